package llama

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/fettle-edge/fettle/study"
)

// Model is a loaded model.
type Model struct {
	lib    *Library
	handle uintptr
	vocab  uintptr
	tokens int
}

// LoadModel loads a model from one file, or from the files of a split model in
// order, with mmap where possible and with weights repacked for the CPU, as
// llama.cpp does by default. Errors are *study.Failure.
func (l *Library) LoadModel(files []string) (*Model, error) {
	if len(files) == 0 {
		return nil, &study.Failure{Reason: study.ReasonIO, Detail: "cannot load a model of no files"}
	}
	for _, name := range files {
		// llama.cpp answers NULL to everything; a file that cannot be read is
		// not the variant's fault.
		f, err := os.Open(name)
		if err != nil {
			return nil, &study.Failure{Reason: study.ReasonIO, Detail: fmt.Sprintf("cannot open the model: %v", err)}
		}
		f.Close()
	}
	l.log.take()
	p := l.fn.modelDefaults()
	m := &Model{lib: l}
	if len(files) == 1 {
		m.handle = l.fn.modelLoad(files[0], p)
	} else {
		m.handle = l.loadSplits(files, p)
	}
	if m.handle == 0 {
		return nil, l.failed(study.ReasonLoad, "llama.cpp cannot load the model")
	}
	m.vocab = l.fn.modelVocab(m.handle)
	m.tokens = int(l.fn.vocabSize(m.vocab))
	return m, nil
}

// failed makes the failure of a call on a variant, with what the log says.
func (l *Library) failed(reason, sentence string) *study.Failure {
	if log := l.log.take(); log != "" {
		sentence += ": " + log
	}
	return &study.Failure{Infeasible: true, Reason: reason, Detail: sentence}
}

func (l *Library) loadSplits(files []string, p modelParams) uintptr {
	var pin runtime.Pinner // C sees an array of pointers to Go memory
	defer pin.Unpin()
	list := make([]*byte, len(files))
	for i, s := range files {
		list[i] = &append([]byte(s), 0)[0]
		pin.Pin(list[i])
	}
	pin.Pin(&list[0])
	return l.fn.modelLoadSplits(&list[0], uintptr(len(list)), p)
}

// Free frees the model; its contexts must be freed before.
func (m *Model) Free() { m.lib.fn.modelFree(m.handle) }

// Vocabulary is the number of tokens.
func (m *Model) Vocabulary() int { return m.tokens }

// BOS returns the token that begins a text, and whether the vocabulary wants
// it to be added.
func (m *Model) BOS() (token int32, add bool) {
	return m.lib.fn.vocabBOS(m.vocab), m.lib.fn.vocabAddBOS(m.vocab)
}

// Tokenize converts text to tokens. Special tokens are added as the vocabulary
// wants, and never parsed from the text.
func (m *Model) Tokenize(text string) ([]int32, error) {
	if text == "" {
		return nil, nil
	}
	b := []byte(text)
	const add, parse = true, false
	// With no room for the result it returns minus the number of tokens.
	n := -m.lib.fn.tokenize(m.vocab, &b[0], int32(len(b)), nil, 0, add, parse)
	if n <= 0 {
		return nil, nil
	}
	tokens := make([]int32, n)
	if got := m.lib.fn.tokenize(m.vocab, &b[0], int32(len(b)), &tokens[0], n, add, parse); got != n {
		return nil, fmt.Errorf("cannot tokenize: %d tokens became %d", n, got)
	}
	return tokens, nil
}

// PieceBytes returns the bytes of text that a token stands for; control tokens
// stand for none.
func (m *Model) PieceBytes(token int32) int {
	var buf [64]byte
	n := m.lib.fn.tokenToPiece(m.vocab, token, &buf[0], int32(len(buf)), 0, false)
	return int(max(n, -n)) // negative: the room it needs
}

// QuantiseFile makes a file with every matrix in one type by llama.cpp's own
// program, for comparisons. fileType is a number of enum llama_ftype.
func (l *Library) QuantiseFile(in, out string, fileType int32) error {
	p := l.fn.quantizeDefaults()
	p.nThread, p.fileType, p.pure, p.allowRequantize = 1, fileType, true, true
	if rc := l.fn.modelQuantize(in, out, &p); rc != 0 {
		return fmt.Errorf("llama_model_quantize answers %d: %s", rc, l.log.take())
	}
	return nil
}

// kvTypes are the types a key-value cache can have.
var kvTypes = []string{"f32", "f16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl", "q5_0", "q5_1"}

// kvType returns the number of a key-value cache type.
func kvType(name string) (int32, error) {
	for _, k := range kvTypes {
		if k == name {
			t, err := TypeOf(strings.ToUpper(name))
			return int32(t), err
		}
	}
	return 0, fmt.Errorf("cannot use %q as the type of a key-value cache: want one of %s", name, strings.Join(kvTypes, ", "))
}
