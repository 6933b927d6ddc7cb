package commands

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goldenDir has the images, vault and answers of format version 1. They open
// for ever: nothing there is changed, and later versions get a directory of
// their own.
const goldenDir = "../testdata/image/v1"

// goldenAnswers say for each image what must come out.
type goldenAnswers map[string]*goldenImage

// A goldenImage is what an image answers. What is not in an answer is not
// compared, so later versions may say more.
type goldenImage struct {
	About    string         `json:"about"`
	Finished bool           `json:"finished,omitempty"` // what a killed process left is finished by whoever opens the image
	Residue  string         `json:"residue,omitempty"`  // hex: in the file, and gone when that is finished
	Reads    []goldenAnswer `json:"reads"`              // these change no byte
	Users    []goldenUser   `json:"users,omitempty"`
	Mends    []goldenAnswer `json:"mends,omitempty"`
}

// A goldenUser is what a user is answered: the log-in, then more lines if it
// succeeds.
type goldenUser struct {
	Password string         `json:"password"` // the name in passwords.txt; the user's is what stands before a hyphen
	Lines    []goldenAnswer `json:"lines"`
}

// A goldenAnswer is one line and what comes out.
type goldenAnswer struct {
	Line string `json:"line"`
	Exit int    `json:"exit"`
	Says string `json:"says,omitempty"` // part of the message
	Data any    `json:"data,omitempty"`
}

// goldenScene is a scene with copies of the golden files.
type goldenScene struct {
	*scene
	answers goldenAnswers
	made    int // files
}

func newGoldenScene(t *testing.T, images ...string) *goldenScene {
	s := &goldenScene{scene: newScene(t)}
	all, err := filepath.Glob(goldenDir + "/*")
	s.ok(err)
	for _, path := range all {
		if name := filepath.Base(path); name == "vault" {
			s.ok(copyTree(path, s.path(name)))
		} else if filepath.Ext(name) != ".hsm" || slices.Contains(images, name) {
			b, err := os.ReadFile(path)
			s.ok(err)
			s.put0600(name, b) // the mode is one that git does not keep
		}
	}
	s.ok(json.Unmarshal(s.read("answers.json"), &s.answers))
	passwords := map[string]string{}
	for line := range strings.Lines(string(s.read("passwords.txt"))) {
		name, password, _ := strings.Cut(line, " ")
		passwords[name] = strings.TrimSpace(password)
	}
	s.passwords(passwords)
	return s
}

// passwords makes password files.
func (s *scene) passwords(all map[string]string) {
	for name, password := range all {
		s.put0600(name+".pw", []byte(password+"\n"))
	}
}

func (s *scene) put0600(name string, b []byte) {
	s.t.Helper()
	s.ok(os.WriteFile(s.path(name), b, 0o600))
}

// use makes name the image of the lines to come.
func (s *scene) use(name string) { s.env["FILEHSM_IMAGE"] = s.path(name) }

// TestGoldenImages: every image that was made in version 1 answers as it did
// then.
func TestGoldenImages(t *testing.T) {
	answers := newGoldenScene(t).answers
	if n := len(answers); n < 20 {
		t.Fatalf("%d images", n)
	}
	for name := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newGoldenScene(t, name)
			s.use(name)
			s.image(name, s.answers[name])
		})
	}
}

func (s *goldenScene) image(name string, g *goldenImage) {
	s.t.Helper()
	before := s.read(name)
	residue, err := hex.DecodeString(g.Residue)
	s.ok(err)
	if !bytes.Contains(before, residue) {
		s.t.Error("the residue to look for is not there")
	}
	for _, a := range g.Reads {
		s.compare(a)
	}
	after := s.read(name)
	if g.Finished == bytes.Equal(before, after) {
		s.t.Errorf("looking at it changed it: %t", !g.Finished)
	}
	if len(residue) > 0 && bytes.Contains(after, residue) {
		s.t.Error("what a killed process left to be removed is still there")
	}
	for _, u := range g.Users {
		for _, a := range u.Lines {
			s.compare(a)
		}
	}
	for _, a := range g.Mends {
		s.compare(a)
	}
	if g.Reads[slices.IndexFunc(g.Reads, func(a goldenAnswer) bool { return a.Line == "image check" })].Exit == 0 {
		s.must("image check")
	}
}

// compare asks again, and compares.
func (s *goldenScene) compare(want goldenAnswer) {
	s.t.Helper()
	got, message := s.answer(want.Line)
	if got.Exit != want.Exit || !strings.Contains(message, want.Says) {
		s.t.Errorf("%s: exit %d, want %d and %q\n%s", want.Line, got.Exit, want.Exit, want.Says, message)
	}
	if at := differs(want.Data, got.Data); at != "" {
		s.t.Errorf("%s: %s", want.Line, at)
	}
}

// answer runs a line and keeps of its answer what is for ever.
func (s *scene) answer(line string) (a goldenAnswer, message string) {
	s.t.Helper()
	o := s.run(line + " --json")
	var out struct{ Data any }
	in := json.NewDecoder(strings.NewReader(o.out))
	in.UseNumber()
	if err := in.Decode(&out); err != nil {
		s.t.Fatalf("%s: %v\n%s%s", line, err, o.out, o.err)
	}
	if _, ok := out.Data.(string); ok {
		out.Data = nil // a message
	}
	return goldenAnswer{Line: line, Exit: o.code, Data: lasting(out.Data)}, o.err
}

// passing is what differs from place to place and from day to day, and the
// words for people.
var passing = []string{"image", "attention", "problem", "expires", "session-file", "message", "replaced"}

// lasting leaves out what is passing. Findings come in no order.
func lasting(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, x := range v {
			if v[key] = lasting(x); slices.Contains(passing, key) {
				delete(v, key)
			}
		}
		if findings, ok := v["findings"].([]any); ok {
			slices.SortFunc(findings, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	case []any:
		for i := range v {
			v[i] = lasting(v[i])
		}
	}
	return v
}

// differs says where got lacks something of want, "" for nowhere.
func differs(want, got any) string {
	switch want := want.(type) {
	case nil:
		return ""
	case map[string]any:
		has, _ := got.(map[string]any)
		for name, x := range want {
			if all, ok := x.([]any); ok && name == "findings" && len(all) > 0 { // more may be found
				if missing := notFound(all, has[name]); missing != nil {
					return fmt.Sprintf("findings lack %v", missing)
				}
				continue
			}
			if at := differs(x, has[name]); at != "" {
				return name + "." + at
			}
		}
		return ""
	case []any:
		has, _ := got.([]any)
		if len(has) != len(want) {
			return fmt.Sprintf("has %d elements, want %d: %v", len(has), len(want), got)
		}
		for i := range want {
			if at := differs(want[i], has[i]); at != "" {
				return fmt.Sprintf("%d.%s", i, at)
			}
		}
		return ""
	}
	if w, g := fmt.Sprint(want), fmt.Sprint(got); w != g {
		return fmt.Sprintf("is %s, want %s", g, w)
	}
	return ""
}

// notFound is the first of the findings that is not among those there are now;
// nil if all are.
func notFound(want []any, got any) any {
	has, _ := got.([]any)
	for _, x := range want {
		if !slices.ContainsFunc(has, func(y any) bool { return differs(x, y) == "" }) {
			return x
		}
	}
	return nil
}
