package v1alpha1_test

import (
	"testing"

	"clientele.dev/clientele/hack/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestInstall(t *testing.T) {}
