package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed assets/*
var assetFiles embed.FS

// asset is a file that never changes under its name.
type asset struct {
	name        string // with the hash of the content
	contentType string
	content     []byte
}

type assets struct {
	style, icon, submit asset
}

func loadAssets() (a assets, err error) {
	for _, f := range []struct {
		to                *asset
		name, contentType string
	}{
		{&a.style, "clientele.css", "text/css; charset=utf-8"},
		{&a.icon, "icon.svg", "image/svg+xml"},
		{&a.submit, "submit.js", "text/javascript; charset=utf-8"},
	} {
		content, err := assetFiles.ReadFile("assets/" + f.name)
		if err != nil {
			return assets{}, fmt.Errorf("pages: %w", err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(f.name)
		name := strings.TrimSuffix(f.name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		*f.to = asset{name, f.contentType, content}
	}
	return a, nil
}

// AssetPrefix is the path, with a slash at its end, below which Assets is to be
// served: <path of the issuer>/assets/.
func (p *Pages) AssetPrefix() string { return p.base + "/assets/" }

func (p *Pages) assetPath(a asset) string { return p.AssetPrefix() + a.name }

// Assets serves stylesheet, icon and script. Their names change with their
// content, so browsers keep them for a year.
func (p *Pages) Assets() http.Handler {
	byPath := map[string]asset{}
	for _, a := range []asset{p.assets.style, p.assets.icon, p.assets.submit} {
		byPath[p.assetPath(a)] = a
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byPath[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", "default-src 'none'")
		_, _ = w.Write(a.content)
	})
}
