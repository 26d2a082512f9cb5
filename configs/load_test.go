package configs

import "testing"

func TestLoadDemo(t *testing.T) {
	f, err := Load("demo/study.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", f)
}
