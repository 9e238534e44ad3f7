package pki

import (
	"crypto/x509"
	"fmt"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
)

// Event tells what was done, in the fields of notice.Notice.
type Event struct {
	// Type is Normal or Warning.
	Type string
	// Reason is one of the Event constants, Action what was done.
	Reason, Action string
	// Note is for people. It holds no secret.
	Note string
}

// Reasons of events on an AuthorizationServer.
const (
	// EventCALost surfaces when the Secret with the CA was deleted, and a new CA was
	// made.
	EventCALost = "CALost"
	// EventCARotationBegan surfaces when the next CA was made.
	EventCARotationBegan = "CARotationBegan"
	// EventCARotationUnderWay surfaces when a rotation is asked for while one goes on.
	EventCARotationUnderWay = "CARotationUnderWay"
	// EventCARotationRefused surfaces when a rotation is asked for and the bundle holds
	// too many CAs already.
	EventCARotationRefused = "CARotationRefused"
	// EventCARotated surfaces when another CA signs.
	EventCARotated = "CARotated"
	// EventCARotatedEarly surfaces when another CA signs although clients may not
	// trust it yet, because the certificate in use is of no use.
	EventCARotatedEarly = "CARotatedEarly"
	// EventCARemoved surfaces when an old CA left the ConfigMap.
	EventCARemoved = "CARemoved"
	// EventCertificateRenewed surfaces when the serving certificate was renewed.
	EventCertificateRenewed = "CertificateRenewed"
	// EventCertificateReplaced surfaces when the serving certificate was lost, damaged
	// or changed, and made anew.
	EventCertificateReplaced = "CertificateReplaced"
)

const (
	normal  = "Normal"
	warning = "Warning"
)

// told is a time as people read it.
func told(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func bundleName(n Names) string {
	return "ConfigMap " + n.Namespace + "/" + v1alpha1.ServerCAName(n.Server)
}

func caSecretName(n Names) string {
	return "Secret " + n.Namespace + "/" + v1alpha1.ServerCAName(n.Server)
}

func servingName(n Names) string {
	return "Secret " + n.Namespace + "/" + v1alpha1.ServingCertificateName(n.Server)
}

func caLost(n Names, next *Authority, from time.Time) Event {
	return Event{warning, EventCALost, "MakeCA", fmt.Sprintf(
		"%s was deleted; %s was made and is in %s. It signs from %s on, or earlier if the certificate in use ends; clients must read the ConfigMap again before",
		caSecretName(n), next, bundleName(n), told(from))}
}

func rotationBegan(n Names, next *Authority, why string, from time.Time) Event {
	return Event{normal, EventCARotationBegan, "MakeCA", fmt.Sprintf(
		"%s was made and is in %s, because %s. It signs from %s on; clients must read the ConfigMap again before",
		next, bundleName(n), why, told(from))}
}

func underWay(n Names, next *Authority) Event {
	return Event{normal, EventCARotationUnderWay, "MakeCA", fmt.Sprintf(
		"no further CA was made: %s, which is in %s already, does not sign yet", next, bundleName(n))}
}

func tooMany(n Names, count int) Event {
	return Event{warning, EventCARotationRefused, "MakeCA", fmt.Sprintf(
		"no further CA was made: %s holds %d already, which leave as their certificates expire; set annotation %s to another value after that", bundleName(n), count, v1alpha1.AnnotationRotateCA)}
}

func signsAtOnce(n Names, a *Authority) Event {
	return Event{warning, EventCARotatedEarly, "Sign", fmt.Sprintf(
		"%s signs before caOverlap is over, for no usable certificate could be served otherwise; clients that fail must read %s again", a, bundleName(n))}
}

func caLeft(n Names, a *Authority) Event {
	return Event{normal, EventCARemoved, "RemoveCA", fmt.Sprintf("%s left %s: the last certificate that it signed has expired", a, bundleName(n))}
}

// tellRenewed tells why a certificate was made. The first one of a server is no news.
func (p *planner) tellRenewed(made issued) {
	until := "it is valid until " + told(made.certificate.NotAfter)
	where := servingName(p.in.Names)
	old := p.current
	switch {
	case p.foundErr != nil:
		p.tell(Event{warning, EventCertificateReplaced, "Issue", fmt.Sprintf("%s was damaged, and a new certificate was issued; %s", where, until)})
	case old.leaf == nil && p.signer.UsedUntil.IsZero():
	case old.leaf == nil:
		p.tell(Event{warning, EventCertificateReplaced, "Issue", fmt.Sprintf("%s was deleted, and a new certificate was issued; %s", where, until)})
	case old.issuer == nil:
		p.tell(Event{warning, EventCertificateReplaced, "Issue", fmt.Sprintf("the certificate in %s was signed by no CA in %s, and a new one was issued; %s", where, caSecretName(p.in.Names), until)})
	case old.issuer != p.signer:
		p.tell(Event{normal, EventCARotated, "Sign", fmt.Sprintf("%s signs from now on; %s stays in %s until %s", p.signer, old.issuer, bundleName(p.in.Names), told(old.issuer.UsedUntil))})
	case expired(old.leaf, p.now):
		p.tell(Event{warning, EventCertificateRenewed, "Issue", fmt.Sprintf("the certificate in %s expired at %s, and a new one was issued; %s", where, told(old.leaf.NotAfter), until)})
	default:
		p.tell(Event{normal, EventCertificateRenewed, "Issue", fmt.Sprintf("a new certificate was issued in %s; %s", where, until)})
	}
}

func expired(c *x509.Certificate, now time.Time) bool { return !now.Before(c.NotAfter) }
