package hsmfile

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"time"

	"filehsm/hsmfile/internal/chain"
	"filehsm/hsmfile/internal/record"
	"filehsm/hsmfile/internal/seal"
	"filehsm/hsmfile/secret"
)

// Bounds of a session's life. It is absolute: use does not prolong it.
const (
	DefaultTTL = 15 * time.Minute
	MaxTTL     = 24 * time.Hour
)

// SessionToken is what a session file holds: which session, and the random
// key under which the image has the user's secret. Neither half is of use
// without the other.
type SessionToken struct {
	image    string // hex
	user     string // id
	id       []byte
	key      *secret.Bytes
	username string
	role     Role
	expires  time.Time
}

// Username is the session's user.
func (t SessionToken) Username() string { return t.username }

// Role is his role.
func (t SessionToken) Role() Role { return t.role }

// Expires is when the session ends at the latest.
func (t SessionToken) Expires() time.Time { return t.expires }

// token is the file's encoding.
type token struct {
	_        struct{} `cbor:",toarray"`
	Image    string
	User     []byte
	ID       []byte
	Key      []byte
	Username string
	Role     uint8
	Expires  int64
}

const tokenMagic = "filehsm-session"

// Marshal is the content of a session file. It is a secret.
func (t SessionToken) Marshal() *secret.Bytes {
	return secret.New(record.Envelope(tokenMagic, record.Encode(&token{
		Image: t.image, User: []byte(t.user), ID: t.id, Key: t.key.Reveal(),
		Username: t.username, Role: uint8(t.role), Expires: t.expires.UnixMilli(),
	})))
}

// ParseSessionToken reads a session file. ErrIntegrity if it is none.
func ParseSessionToken(b []byte) (SessionToken, error) {
	body, err := record.OpenEnvelope(tokenMagic, b)
	var t token
	if err == nil {
		err = record.Decode(body, &t)
	}
	if err != nil || len(t.User) != record.UserIDSize || len(t.ID) != sessionIDSize || len(t.Key) != seal.KeySize {
		return SessionToken{}, refuse(ErrIntegrity, "filehsm login makes a new one", "malformed session file")
	}
	return SessionToken{image: t.Image, user: string(t.User), id: t.ID, key: secret.New(t.Key),
		username: t.Username, role: Role(t.Role), expires: time.UnixMilli(t.Expires).UTC()}, nil
}

const sessionIDSize = 16

// ValidateTTL checks how long a session is to last. ErrUsage.
func ValidateTTL(ttl time.Duration) error {
	if ttl < time.Second || ttl > MaxTTL {
		return refuse(ErrUsage, "a session lasts from 1s to 24h", "invalid session length %s", ttl)
	}
	return nil
}

// Persist leaves the session in the image for later commands, until ttl is
// over, the machine is booted anew, or the user's password changes. If the login
// has done so already, for this ttl, that counts, from then on.
func (s *Session) Persist(ctx context.Context, ttl time.Duration) (SessionToken, error) {
	if err := ValidateTTL(ttl); err != nil {
		return SessionToken{}, err
	}
	before := s.takePersisted()
	if before != nil && before.ttl == ttl {
		return before.SessionToken, nil
	}
	var t SessionToken
	err := s.write(ctx, opSession, func(c *change) (err error) {
		if before != nil {
			if err := c.deleteSession(before.SessionToken); err != nil {
				return err
			}
		}
		t, err = s.putSession(c, ttl)
		return err
	})
	return t, err
}

// persisted is a session that the login's own transaction has left in the image,
// and how long it lasts.
type persisted struct {
	SessionToken
	ttl time.Duration
}

func (s *Session) takePersisted() *persisted {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.persisted
	s.persisted = nil
	return p
}

// persistWithLogin does in a login's transaction what Persist will be asked for,
// unless something comes before that: offers to be taken up, or a new generation,
// which ends sessions.
func (s *Session) persistWithLogin(c *change, ttl time.Duration) error {
	if ttl == 0 || s.login.Gen < s.user.MinGen {
		return nil
	}
	err := s.enter(&c.view, opSession)
	if errors.Is(err, errOffers) {
		return nil
	}
	if err != nil {
		return err
	}
	t, err := s.putSession(c, ttl)
	s.persisted = &persisted{t, ttl}
	return err
}

// deleteSession removes a session that nobody has the other half of.
func (c *change) deleteSession(t SessionToken) error {
	c.scrub = true
	return c.w.Delete(record.SessionKey(t.user, t.id))
}

func (s *Session) putSession(c *change, ttl time.Duration) (SessionToken, error) {
	boot, err := bootID()
	if err != nil {
		return SessionToken{}, err // a session of no boot would be over at once
	}
	began := now().UnixMilli()
	t := SessionToken{image: s.im.ID(), user: s.id(), username: s.name, role: s.Role(),
		id: seal.Random(sessionIDSize), key: seal.NewKey(), expires: time.UnixMilli(began + ttl.Milliseconds()).UTC()}
	rec := record.Session{User: s.user.ID, Gen: s.login.Gen, Boot: boot, UID: uint32(os.Getuid()),
		Began: began, Expires: t.expires.UnixMilli()}
	if rec.Sealed, err = seal.Seal(t.key, c.sessionPlace(t, &rec), s.keys.Secret().Reveal()); err != nil {
		return SessionToken{}, err
	}
	return t, c.w.Put(record.SessionKey(t.user, t.id), record.Encode(&rec))
}

// sessionPlace binds the sealed secret to all that limits the session.
func (v *view) sessionPlace(t SessionToken, rec *record.Session) seal.Place {
	return v.place(placeSession, record.Name(record.SessionKey(t.user, t.id)+string(rec.Bound())), 0)
}

// sessionOver: whatever ended it, the cure is the same.
func (im *Image) sessionOver(t SessionToken) error {
	return refuse(ErrNotFound, "log in again: filehsm login --username "+t.username, "%s: the session of %q is over", im.path, t.username)
}

// Resume takes up a session. ErrNotFound if it is over.
func (im *Image) Resume(ctx context.Context, t SessionToken) (s *Session, err error) {
	err = im.view(ctx, func(v *view) error {
		s, err = v.resume(t)
		return err
	})
	return s, err
}

func (v *view) resume(t SessionToken) (*Session, error) {
	if err := v.needState(Active); err != nil {
		return nil, err
	}
	var rec record.Session
	b, err := v.r.Get(record.SessionKey(t.user, t.id))
	if err != nil {
		return nil, err
	}
	boot, err := bootID()
	if err != nil {
		return nil, err
	}
	if t.image != hex.EncodeToString(v.h.ImageID) || b == nil || record.Decode(b, &rec) != nil || stale(&rec, now(), boot) || rec.UID != uint32(os.Getuid()) {
		return nil, v.im.sessionOver(t)
	}
	us, err := seal.Open(t.key, v.sessionPlace(t, &rec), rec.Sealed)
	if err != nil {
		return nil, v.im.damaged("session", err)
	}
	keys, err := seal.KeysOf(secret.New(us))
	if err != nil {
		return nil, err
	}
	return v.resumed(t, keys, rec.Gen)
}

// resumed is the session of keys that a session record held.
func (v *view) resumed(t SessionToken, keys *seal.UserKeys, gen uint32) (*Session, error) {
	r, err := v.newestRoster()
	if err != nil {
		return nil, err
	}
	if r == nil || r.ByID(t.user) == nil {
		return nil, v.im.sessionOver(t)
	}
	u := r.ByID(t.user)
	l, err := v.loadLogin(u)
	if err != nil {
		return nil, err
	}
	if l.Gen != gen {
		return nil, v.im.sessionOver(t)
	}
	s := newSession(v.im, u, l, keys)
	if err := s.check(v, opSession); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// stale says whether a session expired, began in the future or belongs to
// another boot of the machine.
func stale(rec *record.Session, at time.Time, boot string) bool {
	ms := at.UnixMilli()
	return ms >= rec.Expires || rec.Began > ms || rec.Expires-rec.Began > MaxTTL.Milliseconds() || rec.Boot != boot
}

// Logout removes a session from the image; the caller removes the file. One
// that is over already is no error.
func (im *Image) Logout(ctx context.Context, t SessionToken) error {
	return im.update(ctx, func(c *change) error {
		b, err := c.r.Get(record.SessionKey(t.user, t.id))
		if err != nil || b == nil {
			return err
		}
		if err := c.w.Delete(record.SessionKey(t.user, t.id)); err != nil {
			return err
		}
		c.scrub = true
		if State(c.h.State) != Active {
			return nil
		}
		r, err := c.publicRoster()
		if err != nil {
			return err
		}
		u := r.ByID(t.user) // not what the session file says: anybody can write one
		if u == nil {
			return c.record(chain.Entry{Opcode: chain.Logout, User: []byte(t.user), Epoch: r.Epoch})
		}
		return c.record(c.entryOf(u, chain.Logout))
	})
}

// endSessions removes all sessions of a user.
func (c *change) endSessions(user string) error {
	return c.deleteSessions(record.SessionsOf(user), func(*record.Session) bool { return true })
}

// sweepEvery is how often the changes of a loop look for stale sessions.
const sweepEvery = time.Second

// dropStaleSessions is part of every change, but for a loop's: nothing else reads
// them all.
func (c *change) dropStaleSessions() error {
	at := now()
	if since := at.UnixMilli() - c.im.swept.Load(); since >= 0 && since < sweepEvery.Milliseconds() {
		return nil
	}
	boot, err := bootID()
	if err != nil {
		return nil // who is over is not known; a later change drops them
	}
	c.swept = at.UnixMilli()
	return c.deleteSessions(record.SessionPrefix(), func(rec *record.Session) bool { return stale(rec, at, boot) })
}

func (c *change) deleteSessions(prefix string, which func(*record.Session) bool) error {
	var gone []string
	err := c.r.Scan(prefix, "", func(key string, b []byte) error {
		var rec record.Session
		if err := record.Decode(b, &rec); err != nil && !errors.Is(err, record.ErrMalformed) {
			return err
		} else if err != nil || which(&rec) {
			gone = append(gone, key)
		}
		return nil
	})
	for _, key := range gone {
		if err == nil {
			c.scrub, err = true, c.w.Delete(key)
		}
	}
	return err
}
