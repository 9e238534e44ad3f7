package main

import (
	"context"
	"fmt"
	"time"

	"clientele.dev/clientele/hack/internal/manifests"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// clientReady bounds the wait for the sample OAuthClients.
const clientReady = time.Minute

// waitReady waits until every sample OAuthClient is Ready, and tells each
// change of what it waits for.
func (d *demoRun) waitReady(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, clientReady)
	defer cancel()
	for _, obj := range d.clients {
		if err := d.waitOneReady(ctx, obj); err != nil {
			return "", fmt.Errorf("%s: %w", manifests.Describe(obj), err)
		}
	}
	return "OAuthClients Ready", nil
}

func (d *demoRun) waitOneReady(ctx context.Context, obj *unstructured.Unstructured) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	told := ""
	for {
		if err := d.Client().Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
			return err
		}
		ready, why := condition(obj, "Ready")
		if ready {
			return nil
		}
		if why != told {
			d.Report.Say("      %s: %s", manifests.Describe(obj), why)
			told = why
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not Ready in time; the last word was %q", why)
		case <-tick.C:
		}
	}
}

// condition reads a condition of the object's present generation.
func condition(obj *unstructured.Unstructured, kind string) (isTrue bool, why string) {
	list, _, _ := unstructured.NestedSlice(obj.Object, "status", "conditions")
	for _, entry := range list {
		c, ok := entry.(map[string]any)
		if !ok || c["type"] != kind {
			continue
		}
		why = fmt.Sprintf("%s=%v, %v: %v", kind, c["status"], c["reason"], c["message"])
		seen, has := c["observedGeneration"].(int64)
		return c["status"] == "True" && (!has || seen == obj.GetGeneration()), why
	}
	return false, "no condition " + kind + " yet"
}
