package record

import "encoding/binary"

// ImageIDSize and UserIDSize are the sizes of ids in bytes.
const (
	ImageIDSize = 16
	UserIDSize  = 8
)

// The first byte of a store key says what lies there.
const (
	keyHeader   = "h"
	keyEntry    = "e" // audit entry, by sequence
	keyHead     = "g" // signed head, by sequence and user
	keyVolatile = "v" // counters, sessions, marks: in no backup, in no audit entry
	keySet      = "s" // a set of records, by number
)

// Kind is the first byte of a record's name within a set. Stored; never reuse.
type Kind byte

// The kinds, and what follows the kind byte in the name.
const (
	KindRoster   Kind = 'r' // epoch
	KindPublic   Kind = 'p' // user, generation, Ed25519 key
	KindLogin    Kind = 'u' // user
	KindPins     Kind = 'n' // user
	KindEscrow   Kind = 'x' // user, officer
	KindCommon   Kind = 'c' // user
	KindKey      Kind = 'k' // owner, reference
	KindPubObj   Kind = 'o' // reference
	KindLabel    Kind = 'l' // owner (or common), blind index, reference
	KindHoldings Kind = 'q' // owner
	KindOffer    Kind = 'i' // receiver, reference
	KindShare    Kind = 's' // receiver, reference
)

// kindNames are the words for people, in findings and errors.
var kindNames = map[Kind]string{
	KindRoster: "roster", KindPublic: "public keys", KindLogin: "login", KindPins: "pins",
	KindEscrow: "escrow", KindCommon: "common key", KindKey: "key", KindPubObj: "public key object",
	KindLabel: "label", KindHoldings: "holdings", KindOffer: "offered share", KindShare: "share",
}

// Known says whether k is a kind of this format version.
func (k Kind) Known() bool { return kindNames[k] != "" }

// KeyObject says whether records of this kind are key objects, secret, private
// or public: what an image's number of keys counts.
func (k Kind) KeyObject() bool { return k == KindKey || k == KindPubObj }

func (k Kind) String() string {
	if n := kindNames[k]; n != "" {
		return n
	}
	return "unknown"
}

// Survives says whether records of this kind stay through a zeroization: the
// rosters (vaults, policy, officers) and everyone's signed public keys.
func (k Kind) Survives() bool { return k == KindRoster || k == KindPublic }

// Name is a record's name within its set: kind, then id.
type Name string

// Kind is the kind byte; zero for an empty name.
func (n Name) Kind() Kind {
	if n == "" {
		return 0
	}
	return Kind(n[0])
}

func be32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
func be64(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// HeaderKey, EntryKey, HeadKey and SetPrefix are store keys.
func HeaderKey() string { return keyHeader }

// EntryKey is where the audit entry with this sequence lies.
func EntryKey(seq uint64) string { return keyEntry + be64(seq) }

// EntryPrefix is the prefix of all audit entries.
func EntryPrefix() string { return keyEntry }

// HeadKey is where a user's signature of the chain's head at seq lies.
func HeadKey(seq uint64, user string) string { return keyHead + be64(seq) + user }

// HeadPrefix is the prefix of all signed heads.
func HeadPrefix() string { return keyHead }

// SetPrefix is the prefix of every record of one set.
func SetPrefix(set uint32) string { return keySet + be32(set) }

// AllSets is the prefix of the records of every set.
func AllSets() string { return keySet }

// SetOf splits the store key of a set's record.
func SetOf(key string) (set uint32, name Name, ok bool) {
	if len(key) < 6 || key[:1] != keySet {
		return 0, "", false
	}
	return binary.BigEndian.Uint32([]byte(key[1:5])), Name(key[5:]), true
}

// Names of records within a set. Users are their 8-byte ids.

// RosterName is the roster of one epoch.
func RosterName(epoch uint64) Name { return Name(string(KindRoster) + be64(epoch)) }

// RosterPrefix is the prefix of all rosters.
func RosterPrefix() Name { return Name(string(KindRoster)) }

// PublicName carries the verifying key itself: the audit chain lists the names
// of what was written, so it says for ever which keys were in force.
func PublicName(user string, gen uint32, verifier []byte) Name {
	return PublicPrefix(user, gen) + Name(verifier)
}

// PublicPrefix is the prefix of one generation of a user's public keys.
func PublicPrefix(user string, gen uint32) Name {
	return Name(string(KindPublic) + user + be32(gen))
}

// ParsePublicName is the inverse of PublicName.
func ParsePublicName(n Name) (user string, gen uint32, verifier []byte, ok bool) {
	if n.Kind() != KindPublic || len(n) != 1+UserIDSize+4+32 {
		return "", 0, nil, false
	}
	return string(n[1:9]), binary.BigEndian.Uint32([]byte(n[9:13])), []byte(n[13:]), true
}

// LoginName, PinsName, CommonName and HoldingsName are one record a user.
func LoginName(user string) Name { return Name(string(KindLogin) + user) }

// PinsName is what a user remembers of rosters.
func PinsName(user string) Name { return Name(string(KindPins) + user) }

// CommonName is the common key, sealed to a user.
func CommonName(user string) Name { return Name(string(KindCommon) + user) }

// HoldingsName is an owner's count of keys.
func HoldingsName(owner string) Name { return Name(string(KindHoldings) + owner) }

// EscrowName is a CU's secret, sealed to one officer.
func EscrowName(user, officer string) Name { return EscrowPrefix(user) + Name(officer) }

// EscrowPrefix is the prefix of all escrows of a user.
func EscrowPrefix(user string) Name { return Name(string(KindEscrow) + user) }

// KeyName is a secret or private key object.
func KeyName(owner string, ref uint64) Name { return KeyPrefix(owner) + Name(be64(ref)) }

// KeyPrefix is the prefix of an owner's key objects.
func KeyPrefix(owner string) Name { return Name(string(KindKey) + owner) }

// OfferName is a key's DEK, left for a user and not yet taken up.
func OfferName(receiver string, ref uint64) Name { return OfferPrefix(receiver) + Name(be64(ref)) }

// OfferPrefix is the prefix of all offers to a user.
func OfferPrefix(receiver string) Name { return Name(string(KindOffer) + receiver) }

// ShareName is a key's DEK, taken up by a user.
func ShareName(receiver string, ref uint64) Name { return SharePrefix(receiver) + Name(be64(ref)) }

// SharePrefix is the prefix of all keys that others share with a user.
func SharePrefix(receiver string) Name { return Name(string(KindShare) + receiver) }

// PubObjName is a public-key object.
func PubObjName(ref uint64) Name { return PubObjPrefix() + Name(be64(ref)) }

// PubObjPrefix is the prefix of all public-key objects.
func PubObjPrefix() Name { return Name(string(KindPubObj)) }

// RefOf is the key reference at the end of a key's or a label's name.
func RefOf(n Name) uint64 {
	if len(n) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(n[len(n)-8:]))
}

// LabelName is one entry of the blind index.
func LabelName(owner string, blind []byte, ref uint64) Name {
	return LabelPrefix(owner, blind) + Name(be64(ref))
}

// LabelPrefix is the prefix of all keys of an owner with one label.
func LabelPrefix(owner string, blind []byte) Name {
	return Name(string(KindLabel) + owner + string(blind))
}

// LabelsOf is the prefix of all labels of an owner.
func LabelsOf(owner string) Name { return Name(string(KindLabel) + owner) }

// CommonOwner stands for "every CU" where an owner is named: the labels of
// public-key objects.
var CommonOwner = string(make([]byte, UserIDSize))

// Volatile keys.

// CounterKey is a user's login counter.
func CounterKey(user string) string { return CounterPrefix() + user }

// CounterPrefix is the prefix of all counters.
func CounterPrefix() string { return keyVolatile + "c" }

// SessionKey is one open session.
func SessionKey(user string, id []byte) string { return SessionsOf(user) + string(id) }

// SessionsOf is the prefix of a user's sessions.
func SessionsOf(user string) string { return SessionPrefix() + user }

// SessionPrefix is the prefix of all sessions.
func SessionPrefix() string { return keyVolatile + "s" }

// MarkKey is a mark that the next opener acts on.
func MarkKey(name string) string { return MarkPrefix() + name }

// MarkPrefix is the prefix of all marks.
func MarkPrefix() string { return keyVolatile + "m" }

// BackupMarkKey is the newest backup that one vault took.
func BackupMarkKey(vault string) string { return BackupMarkPrefix() + vault }

// BackupMarkPrefix is the prefix of the newest backups of all vaults.
func BackupMarkPrefix() string { return keyVolatile + "b" }
