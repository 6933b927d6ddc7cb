package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"time"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
	"filehsm/hsmfile/secret"
)

// Sizes of the images.
const small, medium, large = 10, 10_000, 100_000

func (p *place) measure() *table {
	p.image("small.hsm", small)
	p.image("medium.hsm", medium)
	count := p.image("large.hsm", large)
	soft := p.softHSM()
	p.signRow(soft)
	p.generateRow(soft)
	p.table.add("`--count 100000`", took(count), "under 5 s", count.time < 5*time.Second)
	p.listRow(soft)
	check := inTurns(runs(), func() cost { return p.hsm("image", "check", "--image", "large.hsm") })[0]
	p.table.add("`image check` of 100,000 keys", took(check)+", "+megabytes(check), "under 3 s", check.time < 3*time.Second)
	p.backupRows()
	p.startRows(soft)
	return &p.table
}

func (p *place) sign(image string) func() cost {
	return func() cost {
		return p.hsm("crypto", "sign", "ecdsa", "--image", image, "--key-filter", "tls", "--data-path", "data", "--path", os.DevNull)
	}
}

func (p *place) signRow(soft *softHSM) {
	m := inTurns(4*runs(), p.sign("small.hsm"), p.sign("large.hsm"))
	p.table.add("sign by label with a session, 100,000 keys / 10", took(m[1])+" / "+took(m[0])+" = "+ratio(m[1], m[0]),
		"within 1.5 times, under 25 ms", m[1].time < 25*time.Millisecond && within(m[1], m[0], 1.5))
	if soft != nil {
		p.table.beside(soft.name("`pkcs11-tool --sign`"), took(inTurns(runs(), soft.sign)[0]))
	}
}

// keysInLoop is how many keys a process makes one by one; with fewer, what is
// measured is how a process begins.
const keysInLoop = 200

// generateRow makes keys one by one in one process, each durable. Beside it,
// what that cannot be without: two syncs of what a key writes.
func (p *place) generateRow(soft *softHSM) {
	const what = "one durable AES key in a loop, of 10,000"
	ours := func() cost { return alone("generate", p.path("medium.hsm"), strconv.Itoa(keysInLoop)) }
	syncs := func() cost { return alone("syncs", p.dir, strconv.Itoa(keysInLoop)) }
	if !soft.canLoop() {
		m := inTurns(runs(), ours, syncs)
		p.table.beside(what, span(m[0].time))
		p.table.beside(syncsRow, span(m[1].time))
		return
	}
	m := inTurns(runs(), ours, syncs, soft.loop)
	p.table.add(what, span(m[0].time)+", "+times(m[2].time, m[0].time)+" the rate", "10 times SoftHSM2's rate", m[2].time > 10*m[0].time)
	p.table.beside(syncsRow, span(m[1].time))
	p.table.beside(soft.name("the same, not synced"), span(m[2].time))
}

const syncsRow = "the two syncs in that, alone"

// syncs takes a directory and a number, and gives the median of so many times
// what a commit does: a dozen pages and a sync, one page and a sync.
func syncs(args []string) time.Duration {
	f, err := os.CreateTemp(args[0], "syncs-")
	must(err, "syncs", nil)
	defer os.Remove(f.Name())
	n, err := strconv.Atoi(args[1])
	must(err, "syncs", nil)
	var all []cost
	for i := range n {
		began := time.Now()
		for j := range 12 {
			_, err = f.WriteAt(bytes.Repeat([]byte{byte(i)}, 4096), int64(j+1)<<16)
			must(err, "write", nil)
		}
		must(datasync(f), "sync", nil)
		_, err = f.WriteAt(bytes.Repeat([]byte{byte(i)}, 4096), 0)
		must(err, "write", nil)
		must(datasync(f), "sync", nil)
		all = append(all, cost{time: time.Since(began)})
	}
	return median(all).time
}

// generate takes an image and a number, and gives the median of so many keys.
func generate(args []string) time.Duration {
	debug.SetGCPercent(200) // as main does
	ctx := context.Background()
	im, err := hsmfile.Open(ctx, args[0], hsmfile.Options{})
	must(err, "open", nil)
	s, err := im.Login(ctx, hsmfile.Credentials{Username: "alice", Password: secret.New([]byte(passwords["alice"]))})
	must(err, "login", nil)
	n, err := strconv.Atoi(args[1])
	must(err, "generate", nil)
	var all []cost
	for range n {
		began := time.Now()
		_, err := s.GenerateSymmetric(ctx, hsmfile.SymmetricSpec{Type: attr.AES, Bytes: 32, Label: "loop"})
		must(err, "generate", nil)
		all = append(all, cost{time: time.Since(began)})
	}
	return median(all).time
}

func (p *place) listRow(soft *softHSM) {
	list := func(image string) func() cost {
		return func() cost { return p.hsm("key", "list", "--verbose", "--image", image) }
	}
	m := inTurns(2*runs(), list("small.hsm"), list("medium.hsm"))
	p.table.add("`key list --verbose` of 10,000 keys / of 10", took(m[1])+", "+megabytes(m[1])+" / "+took(m[0]), "under 250 ms, 64 MB / 12 ms",
		m[1].time < 250*time.Millisecond && m[1].memory < 64e6 && m[0].time < 12*time.Millisecond)
	if soft != nil {
		c := inTurns(min(runs(), 3), soft.list)[0]
		p.table.beside(soft.name("`pkcs11-tool --list-objects`"), took(c)+", "+megabytes(c))
	}
}

// backupRows compare with stock tools on the same bytes.
func (p *place) backupRows() {
	if !have("age") || !have("age-keygen") || !have("sha256sum") || !have("sync") {
		return
	}
	recipient, fingerprint := p.vault("large.hsm")
	backup := func() cost { return p.hsm("backup", "create", "--image", "large.hsm") }
	backup()
	made, err := filepath.Glob(p.path("vault/*.age"))
	must(err, "vault", nil)
	shell := func(script string) func() cost {
		return func() cost { return run(p.dir, p.env, "sh", "-c", script) }
	}
	shell("age -d -i identity.txt -o content " + made[0])()
	age := shell("age -r " + recipient + " -o F content && sync F && sha256sum F")
	m := inTurns(runs(), backup, age)
	p.table.add("backup of 100,000 keys with a session / age + sync + sha256sum", took(m[0])+" / "+took(m[1])+" = "+ratio(m[0], m[1]),
		"under 1.5 times", within(m[0], m[1], 1.5))
	restore := func() cost {
		_ = os.Remove(p.path("back.hsm"))
		return p.hsm("backup", "restore", "--image", "back.hsm", "--from", "vault", "--identity", "identity.txt", "--trust", fingerprint)
	}
	p.zeroized("large.hsm", "wiped.hsm")
	inPlace := func() cost {
		p.copy("wiped.hsm", "again.hsm")
		return p.hsm("backup", "restore", "--image", "again.hsm", "--vault", "v", "--identity", "identity.txt")
	}
	m = inTurns(runs(), restore, inPlace, shell("age -d -i identity.txt -o D "+made[0]+" && sync D"))
	for i, where := range []string{"where nothing is", "into the zeroized image"} {
		p.table.add("restore of 100,000 keys, "+where+" / age -d + sync", took(m[i])+" / "+took(m[2])+" = "+ratio(m[i], m[2]), "under 8 times", within(m[i], m[2], 8))
	}
}

func (p *place) startRows(soft *softHSM) {
	version := inTurns(4*runs(), func() cost { return p.hsm("--version") })[0]
	p.table.add("`filehsm --version`", took(version), "under 5 ms", version.time < 5*time.Millisecond)
	cheap := *p
	cheap.program = "cheap"
	cheap.image("cheap.hsm", medium)
	m := inTurns(6*runs(), cheap.first("cheap.hsm"), cheap.login("cheap.hsm"))
	p.table.add("a login but for its KDF, 10,000 keys", took(m[0]), "under 10 ms", m[0].time < 10*time.Millisecond)
	p.table.beside("one that ends a session, likewise", took(m[1]))
	// The KDF's share is that of a process which does nothing else, its 64 MiB
	// and their return at the exit included, less one that does nothing. A quarter
	// of a second differs by more than 10 ms from one to the next: what counts is
	// the median of the differences within each turn.
	all := turns(6*runs(), p.first("medium.hsm"), p.self("kdf"), p.self("nothing"))
	more := medianOf(all, func(t []cost) time.Duration { return t[0].time - t[1].time + t[2].time })
	kdf := medianOf(all, func(t []cost) time.Duration { return t[1].time - t[2].time })
	p.table.beside("a whole login, more than its KDF of "+span(kdf), span(more))
	if soft.canLoop() {
		p.table.beside(soft.name("`C_Initialize` and `C_Login`"), span(median(soft.initialize).time)+" and "+span(median(soft.login).time))
	}
}

func (p *place) login(image string) func() cost {
	return func() cost {
		return p.hsm("login", "--image", image, "--username", "alice", "--password-file", "alice.pw", "--ttl", "8h")
	}
}

// first is a login that has no session to end, and to scrub away.
func (p *place) first(image string) func() cost {
	return func() cost {
		p.hsm("logout", "--image", image)
		return p.login(image)()
	}
}
