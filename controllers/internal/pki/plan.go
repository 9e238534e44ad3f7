package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
)

const (
	// DefaultLifetime is how long a serving certificate is valid.
	DefaultLifetime = 90 * 24 * time.Hour
	// maxLifetime keeps serving certificates within the life of their CA.
	maxLifetime = 2 * 365 * 24 * time.Hour
	// DefaultCAOverlap is how long the next CA is trusted before it signs.
	DefaultCAOverlap = 30 * 24 * time.Hour
	// maxAuthorities bounds what the annotation can make: the bundle is in every
	// credentials Secret.
	maxAuthorities = 16
	// rotateBefore is how long before the end of a CA the next one is made.
	rotateBefore = 365 * 24 * time.Hour
	// soon is when to look again after something was written that has to be seen.
	soon = 10 * time.Second
	// latest is when to look again although nothing is due: a clock may be set.
	latest = 12 * time.Hour
)

// Input is what a Plan is made of. The maps are the data of Secrets; nil: there is no
// such Secret.
type Input struct {
	// CA is Secret X-ca, Serving is Secret X-tls, Bundle is the key ca.crt of
	// ConfigMap X-ca. All three may be a little old.
	CA, Serving map[string][]byte
	Bundle      string

	Names Names
	// Lifetime of serving certificates, at most two years. Zero: DefaultLifetime.
	Lifetime time.Duration
	// CAOverlap is the time in which every client reads the bundle again. Zero:
	// DefaultCAOverlap.
	CAOverlap time.Duration
	// RotateCA is the value of the annotation v1alpha1.AnnotationRotateCA.
	RotateCA string
	Now      time.Time
	// Rand is the source of randomness.
	Rand io.Reader
}

// Plan is what there is to be. Its parts are written in the order of the fields, and
// nothing after one that could not be written: a certificate must not be served whose CA
// is not kept, nor one whose CA is in no bundle.
type Plan struct {
	// CA is what Secret X-ca is to hold; nil: it stays as it is.
	CA map[string][]byte
	// Bundle is what ConfigMap X-ca is to hold; empty: it stays as it is.
	Bundle string
	// Serving is what Secret X-tls is to hold; nil: it stays as it is.
	Serving map[string][]byte

	// Next is when to plan again.
	Next time.Time
	// Events are to be told once all is written.
	Events []Event
	// CAExpires is when the CA ends that signed the certificate in use,
	// CertificateExpires when that certificate ends; zero: there is none.
	CAExpires, CertificateExpires time.Time
	// Verdict is about the certificate as it was read.
	Verdict Verdict
}

// Make says what the CA, the bundle and the serving certificate should be now. It is
// called again with what was written; nothing is written if it returns an error, which
// only a source of randomness can cause.
//
// The rules, in the order in which they are applied:
//
//  1. A Secret X-ca that cannot be read is never overwritten. The certificate in use
//     goes on; a person has to restore or delete the Secret.
//  2. If the Secret is gone, the authorities in the bundle stay there, without keys,
//     until the last certificate that they can have signed has expired.
//  3. TrustedSince of an authority is noted when its certificate is seen in the
//     ConfigMap, and cleared when it is missing there: only what was published counts.
//  4. The newest authority that has been trusted for CAOverlap signs; so does the one
//     that signed the certificate in use, for clients trust that.
//  5. A new authority is made if there is none, a year before the newest ends, if the
//     newest does not permit a wanted name, or if the annotation asks for it, no
//     rotation is under way and there are not too many.
//  6. The serving certificate is made anew at two thirds of its life, or if it is not
//     as it should be: another authority signs now, a name is missing, the lifetime was
//     shortened, it cannot be read.
//  7. If no authority may sign by rule 4 and the certificate in use is of no use, or at
//     its very end, the newest signs at once.
//  8. An authority older than the one that signs loses its key, and leaves the bundle
//     once its last certificate has expired.
func Make(in Input) (Plan, error) {
	p := &planner{in: in, now: stamp(in.Now)}
	p.in.Lifetime = min(orDefault(in.Lifetime, DefaultLifetime), maxLifetime)
	p.in.CAOverlap = orDefault(in.CAOverlap, DefaultCAOverlap)
	p.wanted, p.essential = in.Names.wanted(), in.Names.essential()
	p.readServing()
	if err := p.readSet(); err != nil {
		return p.damaged(err), nil
	}
	p.noteTrust()
	p.dropExpired()
	p.findIssuer()
	verdict := p.verdict()
	p.signer = p.choose()
	if err := p.begin(); err != nil {
		return Plan{}, err
	}
	if err := p.renew(); err != nil {
		return Plan{}, err
	}
	p.retire()
	return p.plan(verdict)
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d <= 0 {
		return fallback
	}
	return d
}

// planner is a Plan in the making.
type planner struct {
	in                Input
	now               time.Time
	wanted, essential hosts

	set Set
	// lost: the Secret of the CA is gone, but there was one.
	lost bool
	// found is the certificate in Secret X-tls; nil: none that can be read.
	found *x509.Certificate
	// foundErr says why it cannot be read.
	foundErr error
	// current is the certificate in use, with who signed it.
	current serving
	// signer signs certificates now; nil: none may yet.
	signer *Authority
	// made is a new certificate.
	made   *issued
	events []Event
}

func (p *planner) readServing() {
	if p.in.Serving != nil {
		p.found, p.foundErr = parseServing(p.in.Serving)
	}
	p.current.leaf = p.found
}

// readSet reads the authorities, and takes in those that only the bundle still has.
func (p *planner) readSet() error {
	if p.in.CA != nil {
		var err error
		if p.set, err = parseSet(p.in.CA); err != nil {
			return err
		}
	}
	known := parseCertificates([]byte(p.in.Bundle))
	if p.in.CA == nil {
		known = append(known, parseCertificates(p.in.Serving[keyCA])...)
	}
	var adopted []*Authority
	for _, c := range known {
		has := func(a *Authority) bool { return a.same(c) }
		if slices.ContainsFunc(adopted, has) || slices.ContainsFunc(p.set.Authorities, has) || !ofServer(c, p.in.Names) {
			continue
		}
		if a := (&Authority{Certificate: c, UsedUntil: p.usedUntil(c)}); p.now.Before(a.UsedUntil) {
			adopted = append(adopted, a)
		}
	}
	p.lost = p.in.CA == nil && (len(adopted) > 0 || p.found != nil)
	p.set.Authorities = append(adopted, p.set.Authorities...)
	return nil
}

// usedUntil is how long a CA must be trusted that is not in Secret X-ca; zero: not at
// all. With the Secret, it must have signed the certificate in use: the Secret was
// restored from an old backup. Without it, nobody knows what it signed, but not that it
// was later than now.
func (p *planner) usedUntil(c *x509.Certificate) time.Time {
	var until time.Time
	if p.found != nil && (&Authority{Certificate: c}).signed(p.found) {
		until = p.found.NotAfter
	}
	if last := stamp(p.now.Add(p.in.Lifetime)); p.in.CA == nil && last.After(until) {
		until = last
	}
	if c.NotAfter.Before(until) {
		return c.NotAfter
	}
	return until
}

// noteTrust is rule 3.
func (p *planner) noteTrust() {
	published := parseCertificates([]byte(p.in.Bundle))
	for _, a := range p.set.Authorities {
		switch {
		case !slices.ContainsFunc(published, a.same):
			a.TrustedSince = time.Time{}
		case a.TrustedSince.IsZero() || a.TrustedSince.After(p.now): // the clock was set back
			a.TrustedSince = p.now
		}
	}
}

func (p *planner) dropExpired() {
	p.set.Authorities = slices.DeleteFunc(p.set.Authorities, func(a *Authority) bool { return !p.now.Before(a.Certificate.NotAfter) })
}

func (p *planner) findIssuer() {
	if p.current.leaf == nil {
		return
	}
	for _, a := range p.set.Authorities {
		if a.signed(p.current.leaf) {
			p.current.issuer = a
		}
	}
}

// choose is rule 4. An authority near its end does not sign: its certificates would
// have to be renewed without pause.
func (p *planner) choose() *Authority {
	for _, a := range slices.Backward(p.set.Authorities) {
		if a.key == nil || !a.covers(p.essential) || a.Certificate.NotAfter.Before(p.now.Add(p.in.Lifetime/2)) {
			continue
		}
		trusted := !a.TrustedSince.IsZero() && !p.now.Before(a.TrustedSince.Add(p.in.CAOverlap))
		if trusted || a == p.current.issuer {
			return a
		}
	}
	return nil
}

// newest is the youngest authority with a key; nil: there is none.
func (p *planner) newest() *Authority {
	for _, a := range slices.Backward(p.set.Authorities) {
		if a.key != nil {
			return a
		}
	}
	return nil
}

// replaceAt is when the next authority is to be made: early enough for it to be trusted
// while this one can still sign.
func (p *planner) replaceAt(a *Authority) time.Time {
	early := min(max(rotateBefore, p.in.CAOverlap+2*p.in.Lifetime), caLifetime/2)
	return a.Certificate.NotAfter.Add(-early)
}

// begin is rule 5.
func (p *planner) begin() error {
	newest := p.newest()
	asked := p.in.RotateCA != "" && p.in.RotateCA != p.set.RotateCA
	if asked {
		p.set.RotateCA = p.in.RotateCA
	}
	var why string
	switch {
	case newest == nil:
	case !p.now.Before(p.replaceAt(newest)):
		why = "the present one ends at " + told(newest.Certificate.NotAfter)
	case !newest.covers(p.wanted):
		why = "the present one does not permit all names of the server"
	case asked && len(p.set.Authorities) >= maxAuthorities:
		p.tell(tooMany(p.in.Names, len(p.set.Authorities)))
		return nil
	case asked && newest == p.signer:
		why = "annotation " + v1alpha1.AnnotationRotateCA + " asks for it"
	case asked:
		p.tell(underWay(p.in.Names, newest))
		return nil
	default:
		return nil
	}
	next, err := newAuthority(p.in.Names, p.now, p.in.Rand)
	if err != nil {
		return err
	}
	p.set.Authorities = append(p.set.Authorities, next)
	switch {
	case p.lost:
		p.tell(caLost(p.in.Names, next, p.now.Add(p.in.CAOverlap)))
	case why != "":
		p.tell(rotationBegan(p.in.Names, next, why, p.now.Add(p.in.CAOverlap)))
	}
	return nil
}

// renew is rules 6 and 7.
func (p *planner) renew() error {
	due := p.due()
	if p.signer == nil && p.urgent() {
		p.signer, due = p.newest(), true
		if len(p.set.Authorities) > 1 {
			p.tell(signsAtOnce(p.in.Names, p.signer))
		}
	}
	if p.signer == nil || !due {
		return nil
	}
	until := p.now.Add(p.in.Lifetime)
	if end := p.signer.Certificate.NotAfter; end.Before(until) {
		until = end
	}
	made, err := p.signer.issue(v1alpha1.ServerObjectName(p.in.Names.Server), p.signer.coverable(p.wanted), p.now, until, p.in.Rand)
	if err != nil {
		return err
	}
	p.tellRenewed(made)
	p.made, p.current = &made, serving{made.certificate, p.signer}
	if made.certificate.NotAfter.After(p.signer.UsedUntil) {
		p.signer.UsedUntil = made.certificate.NotAfter
	}
	return nil
}

// due says whether the signer is to make another certificate.
func (p *planner) due() bool {
	leaf := p.current.leaf
	return p.signer != nil && (leaf == nil || p.current.issuer != p.signer ||
		!p.now.Before(renewal(leaf)) || p.now.Before(leaf.NotBefore) ||
		leaf.NotAfter.After(p.now.Add(p.in.Lifetime+backdate)) ||
		!hostsIn(leaf).equal(p.signer.coverable(p.wanted)))
}

// urgent says whether the certificate in use is of no use, or at its very end.
func (p *planner) urgent() bool {
	leaf := p.current.leaf
	return leaf == nil || p.current.issuer == nil || !p.now.Before(lastCall(leaf)) || p.now.Before(leaf.NotBefore) ||
		!hostsIn(leaf).includes(p.essential)
}

// retire is rule 8.
func (p *planner) retire() {
	older := p.signer != nil
	p.set.Authorities = slices.DeleteFunc(p.set.Authorities, func(a *Authority) bool {
		if a == p.signer {
			older = false
		}
		if older {
			a.retire()
		}
		if a.key != nil || p.now.Before(a.UsedUntil) {
			return false
		}
		p.tell(caLeft(p.in.Names, a))
		return true
	})
}

// plan compares what there is to be with what there is.
func (p *planner) plan(verdict Verdict) (Plan, error) {
	data, err := p.set.data()
	if err != nil {
		return Plan{}, err
	}
	out := Plan{Bundle: p.set.bundle(p.current.issuer), Events: p.events, Verdict: verdict, Next: p.next()}
	if string(data[KeyAuthorities]) != string(p.in.CA[KeyAuthorities]) {
		out.CA = data
	}
	if p.made != nil {
		out.Serving = p.made.data
	}
	if p.current.leaf != nil {
		out.CertificateExpires = p.current.leaf.NotAfter
	}
	if p.current.issuer != nil {
		out.CAExpires = p.current.issuer.Certificate.NotAfter
	}
	out.Verdict.CA, out.Verdict.Next = out.Bundle, out.Next
	return out, nil
}

// next is the first time at which something is due.
func (p *planner) next() time.Time {
	next := p.now.Add(latest)
	at := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, a := range p.set.Authorities {
		switch {
		case a.key == nil:
			at(a.UsedUntil)
		case a.TrustedSince.IsZero():
			at(p.now.Add(soon))
		case a != p.signer:
			at(a.TrustedSince.Add(p.in.CAOverlap))
		}
		at(a.Certificate.NotAfter)
	}
	if a := p.newest(); a != nil {
		at(p.replaceAt(a))
	}
	if leaf := p.current.leaf; leaf != nil && p.signer == nil {
		at(lastCall(leaf))
	} else if leaf != nil {
		at(renewal(leaf))
	}
	if p.made != nil {
		at(p.now.Add(soon))
	}
	if floor := p.now.Add(time.Second); next.Before(floor) {
		return floor
	}
	return next
}

// damaged is rule 1.
func (p *planner) damaged(err error) Plan {
	ca := v1alpha1.ServerCAName(p.in.Names.Server)
	what := fmt.Sprintf("Restore it from a backup, or delete it: the operator then makes a new CA, and keeps the present one in ConfigMap %s/%s until its certificates have expired", p.in.Names.Namespace, ca)
	if errors.Is(err, errNewer) {
		what = "Run that release, or delete the Secret to let this one make a new CA"
	}
	out := Plan{Next: p.now.Add(latest), Verdict: Verdict{
		Reason:  v1alpha1.ReasonSecretInvalid,
		Message: fmt.Sprintf("Secret %s/%s with the CA of the server cannot be used: %v. %s", p.in.Names.Namespace, ca, err, what),
	}}
	if p.found != nil {
		out.CertificateExpires = p.found.NotAfter
	}
	out.Verdict.Expires, out.Verdict.Next = out.CertificateExpires, out.Next
	return out
}

func (p *planner) tell(e Event) { p.events = append(p.events, e) }
