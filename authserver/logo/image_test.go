package logo

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// webps are pictures of one pixel, as browsers are asked whether they know WebP.
var webps = map[string]string{
	"VP8 ": "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA",
	"VP8L": "UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==",
	"VP8X": "UklGRkoAAABXRUJQVlA4WAoAAAAQAAAAAAAAAAAAQUxQSAwAAAARBxAR/Q9ERP8DAABWUDggGAAAABQBAJ0BKgEAAQAAAP4AAA3AAP7mtQAAAA==",
}

// picture is one that says it has so many pixels. A GIF has them, up to 2,100 wide and
// high; of the others no more is read.
func picture(kind string, width, height int) []byte {
	of := image.NewPaletted(image.Rect(0, 0, 1, 1), color.Palette{color.Black, color.White})
	var b bytes.Buffer
	var err error
	switch kind {
	case "image/png":
		err = png.Encode(&b, of)
		ihdr := b.Bytes()[12:33] // type, 13 bytes, checksum (PNG, Section 5.3)
		binary.BigEndian.PutUint32(ihdr[4:], uint32(width))
		binary.BigEndian.PutUint32(ihdr[8:], uint32(height))
		binary.BigEndian.PutUint32(ihdr[17:], crc32.ChecksumIEEE(ihdr[:17]))
	case "image/jpeg":
		err = jpeg.Encode(&b, of, nil)
		sof := b.Bytes()[bytes.Index(b.Bytes(), []byte{0xff, 0xc0}):]
		binary.BigEndian.PutUint16(sof[5:], uint16(height))
		binary.BigEndian.PutUint16(sof[7:], uint16(width))
	case "image/gif":
		of = image.NewPaletted(image.Rect(0, 0, min(width, 2100), min(height, 2100)), of.Palette)
		err = gif.Encode(&b, of, nil)
		sizeGIF(b.Bytes(), width, height)
	default:
		content, _ := base64.StdEncoding.DecodeString(webps[kind])
		sizeWebP(kind, content[20:], uint32(width), uint32(height))
		b.Write(content)
	}
	if err != nil {
		panic(err)
	}
	return b.Bytes()
}

// sizeGIF writes what it says of itself, and leaves its frame as it is.
func sizeGIF(content []byte, width, height int) {
	binary.LittleEndian.PutUint16(content[6:], uint16(width))
	binary.LittleEndian.PutUint16(content[8:], uint16(height))
}

func sizeWebP(kind string, chunk []byte, width, height uint32) {
	switch kind {
	case "VP8 ":
		binary.LittleEndian.PutUint16(chunk[6:], uint16(width))
		binary.LittleEndian.PutUint16(chunk[8:], uint16(height))
	case "VP8L":
		rest := binary.LittleEndian.Uint32(chunk[1:]) >> 28 << 28
		binary.LittleEndian.PutUint32(chunk[1:], rest|(height-1)<<14|(width-1))
	case "VP8X":
		copy(chunk[4:7], binary.LittleEndian.AppendUint32(nil, width-1))
		copy(chunk[7:10], binary.LittleEndian.AppendUint32(nil, height-1))
	}
}

var kinds = []string{"image/png", "image/jpeg", "image/gif", "VP8 ", "VP8L", "VP8X"}

func TestPixelsAreBounded(t *testing.T) {
	for _, kind := range kinds {
		for _, c := range []struct {
			width, height int
			want          bool
		}{
			{1, 1, true}, {1024, 1024, true}, {MaxSide, MaxSide, true},
			{MaxSide + 1, 1, false}, {1, MaxSide + 1, false}, {16_383, 16_383, false},
		} {
			t.Run(fmt.Sprintf("%s %dx%d", strings.TrimSpace(kind), c.width, c.height), func(t *testing.T) {
				_, err := newImage(picture(kind, c.width, c.height))
				if (err == nil) != c.want {
					t.Fatalf("taken: %v (%v)", err == nil, err)
				}
				if want := fmt.Sprintf("%d x %d pixels, want at most 2048 x 2048", c.width, c.height); err != nil && !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q", err, want)
				}
			})
		}
	}
}

// A browser makes the first frame of a GIF, however small it says it is.
func TestFirstFrameOfAGIF(t *testing.T) {
	content := picture("image/gif", 2100, 2100)
	sizeGIF(content, 1, 1)
	if _, err := newImage(content); err == nil {
		t.Error("taken")
	}
}

func TestPicturesThatSayNoSize(t *testing.T) {
	for _, kind := range kinds {
		content := picture(kind, 1, 1)
		for name, broken := range map[string][]byte{
			"its beginning": content[:16],
			"another chunk": append(bytes.Clone(content[:12]), make([]byte, 30)...),
		} {
			if _, err := newImage(broken); err == nil {
				t.Errorf("%s: %s is taken", kind, name)
			}
		}
	}
	for _, kind := range []string{"VP8 ", "VP8L"} {
		content := picture(kind, 1, 1)
		copy(content[20:], make([]byte, 6))
		if _, err := newImage(content); err == nil {
			t.Errorf("%s: taken without its mark", kind)
		}
	}
}

func FuzzNewImage(f *testing.F) {
	for _, kind := range kinds {
		f.Add(picture(kind, 3, 2))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if i, err := newImage(content); (err == nil) != (i.Type != "") {
			t.Errorf("%q, %v", i.Type, err)
		}
	})
}
