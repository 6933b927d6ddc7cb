package commands

import (
	"context"
	"strings"
)

// completeWord is a first word that no help shows: the completion scripts put
// it before the words of the line up to the cursor. It is no leaf, because a
// leaf reads the configuration and complains: whatever is wrong, this answers
// with nothing, asks nobody, and exits 0.
const completeWord = "__complete"

// A reply says what may stand at the cursor. It is printed as its kind, and
// then a suggestion a line, with a tab before what it is about.
type reply struct {
	kind  string
	words []suggestion
}

// The kinds of reply. Files and directories are listed by the shell, which
// knows about ~, quoting and colours.
const (
	replyWords       = "words"
	replyFiles       = "files"
	replyDirectories = "directories"
)

type suggestion struct{ word, about string }

// complete answers a script; words are all words after the program's name, the
// last one is the one at the cursor.
func (w *world) complete(ctx context.Context, words []string) int {
	words, cut := glue(words)
	answer := w.suggest(ctx, words)
	out := &sink{to: w.out}
	_, _ = out.Write([]byte(answer.kind + "\n"))
	for _, s := range answer.words {
		if strings.HasPrefix(s.word, words[len(words)-1]) {
			_, _ = out.Write([]byte(s.word[cut:] + "\t" + plain(s.about) + "\n"))
		}
	}
	out.flush()
	return 0
}

// glue undoes bash, for which "=" parts words: --curve=sec comes as three. cut
// is how much of the last word bash leaves as it is. Other shells send no word
// of mere "=".
func glue(words []string) (glued []string, cut int) {
	after := false
	for _, word := range words {
		sign := word != "" && strings.Trim(word, "=") == ""
		if len(glued) == 0 || !sign && !after {
			glued, cut, after = append(glued, word), 0, false
			continue
		}
		last := &glued[len(glued)-1]
		cut = len(*last)
		if sign {
			cut += len(word)
		}
		*last, after = *last+word, sign
	}
	if len(glued) == 0 {
		glued = []string{""}
	}
	return glued, cut
}

// A question is the line up to the cursor, understood as far as it can be.
type question struct {
	*lineReader
	ctx     context.Context
	world   *world
	current string // the word at the cursor
	waiting *flag  // the flag before it, if that still wants a value
}

func (w *world) suggest(ctx context.Context, words []string) reply {
	before, current := words[:len(words)-1], words[len(words)-1]
	if len(before) > 0 && before[0] == "help" {
		before = before[1:]
	}
	root := tree()
	q := &question{ctx: ctx, world: w, current: current,
		lineReader: &lineReader{root: root, rest: before, line: line{at: root}}}
	if !q.readAll() {
		return reply{kind: replyWords}
	}
	q.waiting = q.waits(before)
	return q.answer()
}

// readAll reads the words before the cursor. Wrong flags are passed over; after
// a wrong command nothing is known.
func (q *question) readAll() bool {
	for len(q.rest) > 0 {
		word := q.rest[0]
		if err := q.next(); err != nil && !isFlag(word) {
			return false
		}
	}
	return true
}

// waits is the flag for whose value the line ends.
func (q *question) waits(before []string) *flag {
	if q.ended || len(before) == 0 {
		return nil
	}
	if f, ok := q.lookup(q.list); ok {
		return &f
	}
	last := before[len(before)-1]
	if !isFlag(last) {
		return nil
	}
	_, name, _, joined := cutFlag(last)
	if f, ok := q.lookup(name); ok && !joined && f.kind != kindSwitch {
		return &f
	}
	return nil
}

func (q *question) answer() reply {
	name, value, joined := strings.Cut(strings.TrimPrefix(q.current, "--"), "=")
	f, known := q.lookup(name)
	switch {
	case q.ended:
		return q.argument()
	case strings.HasPrefix(q.current, "--") && joined && known:
		return q.valueOf(f, value).behind("--" + name + "=")
	case isFlag(q.current), q.current == "-" && q.waiting == nil:
		return q.flagReply()
	case q.waiting != nil:
		return q.valueOf(*q.waiting, q.current)
	case q.line.leaf == nil:
		return q.commandReply()
	}
	return q.argument()
}

// behind puts the flag in front of its values.
func (r reply) behind(flag string) reply {
	for i := range r.words {
		r.words[i].word = flag + r.words[i].word
	}
	return r
}

// commandReply are the commands that may come next.
func (q *question) commandReply() reply {
	r := reply{kind: replyWords}
	for _, n := range q.line.at.nouns {
		r.words = append(r.words, suggestion{n.name, n.usage})
	}
	for _, l := range q.line.at.leaves {
		r.words = append(r.words, suggestion{l.name, l.usage})
	}
	return r
}

// flagReply are the flags that may still come, with help at the end.
func (q *question) flagReply() reply {
	r := reply{kind: replyWords}
	all := commonFlags()
	if q.line.leaf != nil {
		all = flags(q.line.leaf.flags, all)
	}
	for _, f := range all {
		if f.kind == kindEach || f.kind == kindList || !q.has(f.name) {
			r.words = append(r.words, suggestion{"--" + f.name, strings.ReplaceAll(f.usage, "\n", " ")})
		}
	}
	return reply{replyWords, append(r.words, suggestion{"--help", "show the flags and an example"})}
}

// argument is a word that is neither command nor flag. Where a leaf takes no
// more of these only a flag can come.
func (q *question) argument() reply {
	if q.line.leaf == nil {
		return reply{kind: replyWords}
	}
	takes := strings.Fields(q.line.leaf.args)
	at := len(q.line.args)
	switch {
	case at < len(takes):
		return q.placeReply(strings.Join(q.line.path, " "), strings.Trim(takes[at], "[]."))
	case q.ended:
		return reply{kind: replyWords}
	}
	return q.flagReply()
}
