package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"

	"filehsm/hsmfile"
)

// printed runs a leaf that gives this result and error.
func printed(t *testing.T, asJSON bool, r *Result, err error) (int, string, string) {
	t.Helper()
	var out, errs bytes.Buffer
	w := &world{in: strings.NewReader(""), out: &out, err: &errs, lookup: noEnv, terminal: noTerminal}
	root := &noun{name: program, leaves: []leaf{{name: "try", run: func(*call) (*Result, error) { return r, err }}}}
	args := []string{"try"}
	if asJSON {
		args = append(args, "--json")
	}
	l, readErr := readLine(root, args)
	if readErr != nil {
		t.Fatal(readErr)
	}
	code := w.dispatch(noContext, root, l)
	return code, out.String(), errs.String()
}

// message is a result of one line.
func message(text string) *Result {
	return &Result{Data: map[string]string{"message": text}, View: note(text)}
}

func TestResultForms(t *testing.T) {
	denied := &hsmfile.Error{Kind: hsmfile.ErrDenied, Text: "no", Hint: "ask"}
	two := &Result{
		Data: struct {
			Name string `json:"name"`
		}{"a<b\u0085"},
		View: views{facts{{"name", "a\x1b[2J"}, {"long name", "x\ny"}}, grid{[]string{"k"}, [][]string{{"v\n"}}, ""}, grid{empty: "none"}},
	}
	for _, test := range []struct {
		name      string
		json      bool
		result    *Result
		err       error
		code      int
		out, errs string
	}{
		{"message", false, message("done"), nil, 0, "done\n", ""},
		{"message", true, message("done"), nil, 0, "{\n  \"error_code\": 0,\n  \"data\": {\n    \"message\": \"done\"\n  }\n}\n", ""},
		{"views", false, two, nil, 0,
			"name       a\\u001b[2J\nlong name  x\n           y\n\n┌─────┐\n│ k   │\n├─────┤\n│ v\\n │\n└─────┘\n\nnone\n", ""},
		{"data", true, two, nil, 0, "{\n  \"error_code\": 0,\n  \"data\": {\n    \"name\": \"a<b\\u0085\"\n  }\n}\n", ""},
		{"error", true, nil, denied, 8, "{\n  \"error_code\": 8,\n  \"data\": \"no\"\n}\n", "filehsm: error: no\nfilehsm: hint: ask\n"},
		{"error", false, nil, denied, 8, "", "filehsm: error: no\nfilehsm: hint: ask\n"},
		{"both", false, message("half"), partialError("", "not all"), 10, "half\n", "filehsm: error: not all\n"},
		{"both", true, two, partialError("", "not all"), 10,
			"{\n  \"error_code\": 10,\n  \"data\": {\n    \"message\": \"not all\",\n    \"name\": \"a<b\\u0085\"\n  }\n}\n", "filehsm: error: not all\n"},
		{"raw", false, &Result{Raw: []byte{0, 1}}, nil, 0, "\x00\x01", ""},
	} {
		code, out, errs := printed(t, test.json, test.result, test.err)
		if code != test.code || out != test.out || errs != test.errs {
			t.Errorf("%s json=%v: exit %d\n%q\n%q\nwant %d\n%q\n%q", test.name, test.json, code, out, errs, test.code, test.out, test.errs)
		}
	}
}

// count yields n rows, and then err if there is one.
func count(n int, err error) iter.Seq2[row, error] {
	return func(yield func(row, error) bool) {
		for i := range n {
			if !yield(row{item: i, cells: []string{strings.Repeat("x", i%9)}}, nil) {
				return
			}
		}
		if err != nil {
			yield(row{}, err)
		}
	}
}

func TestLists(t *testing.T) {
	for _, n := range []int{0, 1, 3, pageRows, pageRows + 1, 20000} {
		l := &list{key: "things", columns: []string{"c"}, rows: count(n, nil), empty: "nothing",
			tail: func() []member { return []member{{"total", n}} }}
		code, out, _ := printed(t, true, &Result{List: l}, nil)
		var o struct {
			Code int `json:"error_code"`
			Data struct {
				Things []int
				Total  int
			}
		}
		if err := json.Unmarshal([]byte(out), &o); err != nil || code != 0 || len(o.Data.Things) != n || o.Data.Total != n {
			t.Errorf("%d: exit %d, %d things, %v", n, code, len(o.Data.Things), err)
		}
		code, out, _ = printed(t, false, &Result{List: l}, nil)
		if code != 0 || strings.Count(out, "┌") != (n+pageRows-1)/pageRows || (n == 0) != (out == "nothing\n") {
			t.Errorf("%d: exit %d, %.200s", n, code, out)
		}
	}
}

func TestListsThatBreak(t *testing.T) {
	bad := &hsmfile.Error{Kind: hsmfile.ErrIntegrity, Text: "record 4"}
	code, out, errs := printed(t, true, &Result{List: &list{key: "things", rows: count(3, bad)}}, nil)
	if code != 7 || out != "{\n  \"error_code\": 7,\n  \"data\": \"record 4\"\n}\n" || errs != "filehsm: error: record 4\n" {
		t.Errorf("early: exit %d, %q, %q", code, out, errs)
	}
	code, out, _ = printed(t, true, &Result{List: &list{key: "things", rows: count(20000, bad)}}, nil)
	if code != 7 || json.Valid([]byte(out)) || len(out) < sinkSize {
		t.Errorf("late: exit %d, %d bytes, valid %v", code, len(out), json.Valid([]byte(out)))
	}
	code, out, _ = printed(t, false, &Result{List: &list{columns: []string{"c"}, rows: count(3, bad)}}, nil)
	if code != 7 || out != "" {
		t.Errorf("table: exit %d, %q", code, out)
	}
}

func TestFullDisk(t *testing.T) {
	var errs bytes.Buffer
	w := &world{out: full{}, err: &errs, lookup: noEnv, terminal: noTerminal}
	if code := w.run(noContext, []string{"config", "show"}); code != 1 || !strings.Contains(errs.String(), "failed to write the result") {
		t.Errorf("exit %d, %s", code, errs.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("full") }
