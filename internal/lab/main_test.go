package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// parentVariable makes the test binary the parent that is killed: it names the
// folder with the script.
const parentVariable = "SERIN_LAB_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentVariable); dir != "" {
		parent(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// parent starts an Envoy, prints its process id and waits to be killed.
func parent(dir string) {
	e, err := StartEnvoy(EnvoyOptions{Name: "child", Dir: dir, Path: filepath.Join(dir, "script")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.PID())
	select {}
}
