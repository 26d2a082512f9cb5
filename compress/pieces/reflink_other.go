//go:build !linux

package pieces

import (
	"errors"
	"os"
)

// reflink is known for Linux only.
func reflink(*os.File, *os.File) error { return errors.ErrUnsupported }
