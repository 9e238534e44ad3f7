package signin

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestADeviceIsKnownForOneUserAndWhileItLasts(t *testing.T) {
	cookies, err := NewCookies("https://login.example")
	if err != nil {
		t.Fatal(err)
	}
	keys, others := serverKeys(t)(), serverKeys(t)()
	cookie, err := cookies.Device(keys, "Ada", noon)
	if err != nil {
		t.Fatal(err)
	}
	if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 90*24*3600 {
		t.Errorf("cookie %v", cookie)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.AddCookie(cookie)
	id := cookies.ReadDevice(r, keys, " ADA ", noon)
	if id == "" {
		t.Fatal("it is not known to its own user")
	}
	for name, got := range map[string]string{
		"another user":      cookies.ReadDevice(r, keys, "bob", noon),
		"other server keys": cookies.ReadDevice(r, others, "ada", noon),
		"90 days later":     cookies.ReadDevice(r, keys, "ada", noon.Add(90*24*time.Hour)),
		"no cookie":         cookies.ReadDevice(httptest.NewRequest(http.MethodPost, "/", nil), keys, "ada", noon),
	} {
		if got != "" {
			t.Errorf("%s: known as %q", name, got)
		}
	}
	sealed, err := flow{State: "s", Expires: noon.Add(time.Hour).Unix()}.seal(keys)
	if err != nil {
		t.Fatal(err)
	}
	forged := httptest.NewRequest(http.MethodPost, "/", nil)
	forged.AddCookie(&http.Cookie{Name: cookie.Name, Value: sealed})
	if cookies.ReadDevice(forged, keys, "", noon) != "" {
		t.Error("what was sealed for something else makes a device")
	}
}
