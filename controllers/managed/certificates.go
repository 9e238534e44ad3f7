package managed

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/pki"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// certificates carries out the plan for the CA, the bundle and the serving certificate:
// each is written before what relies on it.
func (p *pass) certificates(ctx context.Context) error {
	ca, err := p.secret(ctx, v1alpha1.ServerCAName(p.as.Name), v1alpha1.SecretKindCA)
	if err != nil {
		return err
	}
	serving, err := p.secret(ctx, v1alpha1.ServingCertificateName(p.as.Name), v1alpha1.SecretKindServingCertificate)
	if err != nil {
		return err
	}
	bundle, err := p.existing(ctx, p.render.caBundle(""))
	if err != nil {
		return err
	}
	in := pki.Input{
		CA: dataOf(ca), Serving: dataOf(serving), Names: p.names(),
		Lifetime: p.CertificateLifetime, RotateCA: p.as.Annotations[v1alpha1.AnnotationRotateCA], Now: p.Now(), Rand: p.Rand,
	}
	if g := p.as.Spec.Managed.TLS.Generated; g != nil {
		in.CAOverlap = g.CAOverlap.Duration
	}
	if c, ok := bundle.(*corev1.ConfigMap); ok {
		in.Bundle = c.Data[v1alpha1.CABundleKey]
	}
	plan, err := pki.Make(in)
	if err != nil {
		return fmt.Errorf("plan the certificates of AuthorizationServer %s/%s: %w", p.as.Namespace, p.as.Name, err)
	}
	p.state.Own, p.state.CAExpires, p.state.Bundle = plan.Verdict, plan.CAExpires, plan.Bundle
	if p.render.tlsType() == v1alpha1.TLSGenerated {
		p.state.CertificateExpires = plan.CertificateExpires
	}
	p.lookAgain(plan.Next.Sub(in.Now))
	return p.carryOut(ctx, plan, ca, serving)
}

func (p *pass) carryOut(ctx context.Context, plan pki.Plan, ca, serving *corev1.Secret) error {
	err := p.writeSecret(ctx, ca, v1alpha1.ServerCAName(p.as.Name), v1alpha1.SecretKindCA, corev1.SecretTypeOpaque, plan.CA)
	if err != nil {
		return err
	}
	if plan.Bundle != "" {
		if _, err := p.ensure(ctx, p.render.caBundle(plan.Bundle)); err != nil {
			return err
		}
	}
	err = p.writeSecret(ctx, serving, v1alpha1.ServingCertificateName(p.as.Name), v1alpha1.SecretKindServingCertificate, corev1.SecretTypeTLS, plan.Serving)
	if err != nil {
		return err
	}
	p.tellCertificates(plan.Events)
	return nil
}

func (p *pass) names() pki.Names {
	return pki.Names{Server: p.as.Name, Namespace: p.as.Namespace, ClusterDomain: p.ClusterDomain, Issuer: p.as.Spec.Issuer}
}

// dataOf is nil if there is no Secret.
func dataOf(s *corev1.Secret) map[string][]byte {
	if s == nil {
		return nil
	}
	if s.Data == nil {
		return map[string][]byte{}
	}
	return s.Data
}

// secret reads one of our Secrets; nil: there is none. One that is not ours blocks.
func (p *pass) secret(ctx context.Context, name, kind string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: p.as.Namespace, Name: name}
	err := p.Client.Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		err = p.Live.Get(ctx, key, secret)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read Secret %s: %w", key, err)
	}
	if secret.Labels[v1alpha1.LabelSecretKind] != kind {
		return nil, block(v1alpha1.ReasonNameConflict, "Secret %s exists and has no label %s=%s, so it is not the operator's: add the label if it is a copy of the operator's own; otherwise keep it under another name",
			key, v1alpha1.LabelSecretKind, kind)
	}
	return secret, p.ours("Secret", secret)
}

// writeSecret creates a Secret, or updates the version that was read; data nil: only its
// labels and its owner are put right, if they are not.
func (p *pass) writeSecret(ctx context.Context, have *corev1.Secret, name, kind string, secretType corev1.SecretType, data map[string][]byte) error {
	want := p.render.meta(name)
	want.Labels[v1alpha1.LabelSecretKind] = kind
	if kind == v1alpha1.SecretKindCA {
		want.OwnerReferences = nil
	}
	if have == nil {
		if data == nil {
			return nil
		}
		if err := p.Client.Create(ctx, &corev1.Secret{ObjectMeta: want, Type: secretType, Data: data}); err != nil {
			return explain(err, "create", "Secret "+p.as.Namespace+"/"+name)
		}
		return nil
	}
	next := have.DeepCopy()
	if data != nil {
		next.Data = data
	}
	if next.Labels == nil {
		next.Labels = map[string]string{}
	}
	maps.Copy(next.Labels, want.Labels)
	if want.OwnerReferences != nil && metav1.GetControllerOf(next) == nil {
		next.OwnerReferences = append(next.OwnerReferences, want.OwnerReferences...)
	}
	same := maps.EqualFunc(have.Data, next.Data, bytes.Equal) && maps.Equal(have.Labels, next.Labels) && len(have.OwnerReferences) == len(next.OwnerReferences)
	if same {
		return nil
	}
	if err := p.Client.Update(ctx, next); err != nil {
		return explain(err, "update", "Secret "+p.as.Namespace+"/"+name)
	}
	return nil
}

// certificateKind is cert-manager's.
var certificateKind = schema.GroupVersionKind{Group: "cert-manager.io", Version: "v1", Kind: "Certificate"}

// publicCertificate judges the certificate of the public endpoints where it is not our
// own, and asks cert-manager for it where that makes it.
func (p *pass) publicCertificate(ctx context.Context) error {
	if p.render.tlsType() == v1alpha1.TLSGenerated {
		return nil
	}
	byCertManager := p.render.tlsType() == v1alpha1.TLSCertManager
	told := ""
	if byCertManager {
		problem, message, err := p.askCertManager(ctx)
		if err != nil {
			return err
		}
		if problem != nil {
			p.state.CertificateProblem = problem
			p.lookAgain(secretWrong)
			return nil
		}
		told = message
	}
	name := client.ObjectKey{Namespace: p.as.Namespace, Name: p.render.publicSecret()}
	secret := &corev1.Secret{}
	err := p.Live.Get(ctx, name, secret)
	in := pki.SecretInput{Ref: name.String(), Data: secret.Data, CertManager: byCertManager, Issuer: p.as.Spec.Issuer, Now: p.Now()}
	switch {
	case apierrors.IsNotFound(err):
		in.Data = nil
	case err != nil:
		return fmt.Errorf("read Secret %s: %w", name, err)
	case in.Data == nil:
		in.Data = map[string][]byte{}
	}
	verdict := pki.JudgeSecret(in)
	if !verdict.Ready && told != "" {
		verdict.Message += ": cert-manager says: " + told
	}
	p.state.Public, p.state.CertificateExpires = &verdict, verdict.Expires
	p.lookAgain(verdict.Next.Sub(in.Now))
	return nil
}

// appsBundle says what apps need to verify the public endpoints.
func (p *pass) appsBundle(context.Context) error {
	p.state.AppsBundle, p.state.AppsBundleKnown = pki.ForApps(pki.AppsInput{
		Names: p.names(), Generated: p.render.tlsType() == v1alpha1.TLSGenerated, Bundle: p.state.Bundle, Public: p.state.Public,
	})
	return nil
}

// askCertManager applies the Certificate, and returns what keeps cert-manager from making
// it, or what cert-manager says of it while it is not ready. The kind may not be
// installed, so it is in no cache.
func (p *pass) askCertManager(ctx context.Context) (*Problem, string, error) {
	want := p.render.certificate()
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(certificateKind)
	switch err := p.Live.Get(ctx, client.ObjectKeyFromObject(want), have); {
	case missing(err):
		return &Problem{v1alpha1.ReasonCertManagerMissing, fmt.Sprintf("the cluster has no kind Certificate of cert-manager (%v): install cert-manager, or set spec.managed.tls.type to Generated or Secret", oneLine(err.Error()))}, "", nil
	case apierrors.IsForbidden(err):
		return &Problem{v1alpha1.ReasonCertManagerMissing, "the operator may not use cert-manager's Certificates in namespace " + p.as.Namespace + ": " + oneLine(err.Error())}, "", nil
	case err == nil:
		if err := p.ours("Certificate", have); err != nil {
			return nil, "", err
		}
	case !apierrors.IsNotFound(err):
		return nil, "", fmt.Errorf("read %s: %w", nameOf(want), err)
	}
	got := want.DeepCopy()
	err := p.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(got), client.FieldOwner(v1alpha1.FieldManager), client.ForceOwnership)
	if err != nil {
		return nil, "", explain(err, "apply", nameOf(want))
	}
	p.memory.publicRemoved = 0
	p.lookAgain(certificateAgain)
	return nil, notReady(got), nil
}

// missing says that a kind is not there.
func missing(err error) bool {
	if meta.IsNoMatchError(err) {
		return true
	}
	// The kind went after it had been found.
	return apierrors.IsNotFound(err) && strings.Contains(err.Error(), "could not find the requested resource")
}

// notReady is what cert-manager says of a Certificate that is not ready.
func notReady(certificate *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(certificate.Object, "status", "conditions")
	for _, c := range conditions {
		condition, ok := c.(map[string]any)
		if ok && condition["type"] == "Ready" && condition["status"] != "True" {
			message, _ := condition["message"].(string)
			return oneLine(message)
		}
	}
	return ""
}

// certificate is cert-manager's for the public endpoints. It is for the issuer's host
// only: a public issuer signs no name of a Service. The labels of its Secret put that into
// the operator's cache, so that its change brings the AuthorizationServer back.
func (r renderer) certificate() *unstructured.Unstructured {
	ref := r.managed().TLS.CertManager.IssuerRef
	secretLabels := map[string]any{v1alpha1.LabelSecretKind: v1alpha1.SecretKindServingCertificate}
	for k, v := range labelsOf(r.as.Name) {
		secretLabels[k] = v
	}
	spec := map[string]any{
		"secretName":     v1alpha1.PublicCertificateName(r.as.Name),
		"secretTemplate": map[string]any{"labels": secretLabels},
		"issuerRef":      map[string]any{"name": ref.Name, "kind": ref.Kind, "group": ref.Group},
		"privateKey":     map[string]any{"algorithm": "ECDSA", "size": int64(256), "rotationPolicy": "Always"},
	}
	names := "dnsNames"
	host := issuerHost(r.as.Spec.Issuer)
	if _, err := netip.ParseAddr(host); err == nil {
		names = "ipAddresses"
	}
	spec[names] = []any{host}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(certificateKind)
	u.SetNamespace(r.as.Namespace)
	u.SetName(v1alpha1.PublicCertificateName(r.as.Name))
	u.SetLabels(labelsOf(r.as.Name))
	u.SetOwnerReferences([]metav1.OwnerReference{owner(r.as)})
	return u
}

// issuerHost is the host that a certificate has to be for.
func issuerHost(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
