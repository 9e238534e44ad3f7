package managed

import (
	"fmt"

	"clientele.dev/clientele/controllers/internal/notice"
	"clientele.dev/clientele/controllers/internal/pki"
	corev1 "k8s.io/api/core/v1"
)

// Events of this package: those of the certificates, which package pki has, and
// FieldContested. How a server is doing is told with its conditions.

// reasonContested surfaces when another manager changed what the spec decides.
const reasonContested = "FieldContested"

// tellContested tells of a repair; conflict is how the API server names the fields and the
// manager.
func (p *pass) tellContested(object string, conflict error) {
	p.board.Tell(p.as, notice.Notice{
		Type: corev1.EventTypeWarning, Reason: reasonContested, Action: "Apply",
		Note: fmt.Sprintf("%s: another manager changed what the spec of AuthorizationServer %s decides; the operator put it back, which it does at most %d times in ten minutes. Change the spec instead: %s",
			object, p.as.Name, patience, oneLine(conflict.Error())),
	})
}

// tellCertificates tells what was done with the CA and the certificate.
func (p *pass) tellCertificates(events []pki.Event) {
	for _, e := range events {
		p.board.Tell(p.as, notice.Notice{Type: e.Type, Reason: e.Reason, Action: e.Action, Note: e.Note})
	}
}
