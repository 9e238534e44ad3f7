package logo

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/http"
)

// MaxSide is how many pixels wide and high a logo may be: a browser makes 16 MiB of
// the largest.
const MaxSide = 2048

// Image is a logo. It is shared: its bytes must not be written to.
type Image struct {
	// Type is image/png, image/jpeg, image/gif or image/webp.
	Type  string
	Bytes []byte
	// ETag of the bytes, in quotes (RFC 9110, Section 8.8.3).
	ETag string
}

// sizes says how large a picture of a type becomes. The picture itself is not made.
var sizes = map[string]func([]byte) (width, height int, err error){
	"image/png":  func(content []byte) (int, int, error) { return size(png.DecodeConfig(bytes.NewReader(content))) },
	"image/jpeg": func(content []byte) (int, int, error) { return size(jpeg.DecodeConfig(bytes.NewReader(content))) },
	"image/gif":  func(content []byte) (int, int, error) { return size(gif.DecodeConfig(bytes.NewReader(content))) },
	"image/webp": sizeOfWebP,
}

func size(c image.Config, err error) (width, height int, _ error) { return c.Width, c.Height, err }

// newImage looks at the bytes; what the answer says of itself does not count.
func newImage(content []byte) (Image, error) {
	kind := http.DetectContentType(content)
	read := sizes[kind]
	if read == nil {
		return Image{}, errors.New("fetch a logo: want a PNG, JPEG, GIF or WebP image")
	}
	width, height, err := read(content)
	if err == nil && kind == "image/gif" && max(width, height) <= MaxSide {
		err = checkFirstFrame(content)
	}
	if err != nil {
		return Image{}, fmt.Errorf("fetch a logo: read the size of an %s: %w", kind, err)
	}
	if min(width, height) < 1 || max(width, height) > MaxSide {
		return Image{}, fmt.Errorf("fetch a logo: %d x %d pixels, want at most %d x %d", width, height, MaxSide, MaxSide)
	}
	sum := sha256.Sum256(content)
	return Image{Type: kind, Bytes: content, ETag: `"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

// checkFirstFrame: a GIF whose first frame is larger than what it says of itself is
// shown as large as that frame. Go refuses such a frame; it must be read for that.
func checkFirstFrame(content []byte) error {
	_, err := gif.Decode(bytes.NewReader(content))
	return err
}

var errWebP = errors.New("no size where a WebP image has it")

// sizeOfWebP reads the first chunk (RFC 9649, Sections 2.5 to 2.7). What a canvas
// (VP8X) holds is as large, or smaller if it moves.
func sizeOfWebP(content []byte) (width, height int, err error) {
	const header = 12 + 8 // of the file, of the chunk
	if len(content) < header+10 {
		return 0, 0, errWebP
	}
	chunk := content[header:]
	switch string(content[12:16]) {
	case "VP8 ": // RFC 6386, Section 9.1
		if chunk[0]&1 != 0 || string(chunk[3:6]) != "\x9d\x01\x2a" {
			return 0, 0, errWebP
		}
		return int(binary.LittleEndian.Uint16(chunk[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(chunk[8:]) & 0x3fff), nil
	case "VP8L": // RFC 9649, Section 3
		if chunk[0] != 0x2f {
			return 0, 0, errWebP
		}
		bits := binary.LittleEndian.Uint32(chunk[1:])
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1, nil
	case "VP8X": // RFC 9649, Section 2.7
		return int(uint24(chunk[4:])) + 1, int(uint24(chunk[7:])) + 1, nil
	}
	return 0, 0, errWebP
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
