package llama

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/ebitengine/purego"

	"github.com/fettle-edge/fettle/study"
)

// Library is the opened llama.cpp. Its methods are called from one goroutine,
// except those that say otherwise.
type Library struct {
	info     study.RuntimeInfo
	backends []string
	log      *logTail
	fn       functions
}

// functions are the C functions. Handles of C objects are uintptr; zero is
// NULL.
type functions struct {
	version          func() string
	modelDefaults    func() modelParams
	contextDefaults  func() contextParams
	quantizeDefaults func() quantizeParams

	modelLoad       func(path string, p modelParams) uintptr
	modelLoadSplits func(paths **byte, n uintptr, p modelParams) uintptr
	modelFree       func(uintptr)
	modelVocab      func(uintptr) uintptr
	modelQuantize   func(in, out string, p *quantizeParams) uint32

	vocabSize    func(uintptr) int32
	vocabBOS     func(uintptr) int32
	vocabAddBOS  func(uintptr) bool
	tokenize     func(vocab uintptr, text *byte, n int32, out *int32, max int32, addSpecial, parseSpecial bool) int32
	tokenToPiece func(vocab uintptr, token int32, buf *byte, n, lstrip int32, special bool) int32

	contextNew    func(uintptr, contextParams) uintptr
	contextFree   func(uintptr)
	contextMemory func(uintptr) uintptr
	memoryClear   func(memory uintptr, data bool)
	decode        func(uintptr, batchStruct) int32
	batchInit     func(n, embd, nSeqMax int32) batchStruct
	batchFree     func(batchStruct)
	logits        func(uintptr) *float32
	logitsAt      func(context uintptr, i int32) *float32

	blockLength   func(typ int32) int64
	rowSize       func(typ int32, n int64) uintptr
	quantizeChunk func(typ int32, src *float32, dst *byte, start, rows, rowLen int64, imatrix *float32) uintptr
	halfToFloat   func(src *byte, dst *float32, n int64)
	bfloatToFloat func(src *byte, dst *float32, n int64)

	poolParamsInit func(p *poolParams, n int32)
	poolNew        func(p *poolParams) uintptr
	poolFree       func(uintptr)
	poolAttach     func(context, pool, poolBatch uintptr)

	addresses struct{ decode, synchronize, clock uintptr } // for decodeEach
}

// Open opens the libraries of a folder and the CPU backend of that file name;
// "" picks the one with ggml's highest score for this CPU. Every file is
// checked against its known SHA-256 before any of its code runs. Errors are
// *study.Failure.
func Open(dir, backend string) (*Library, error) {
	// Without this ggml starts a debugger on its own process when it aborts.
	if err := os.Setenv("GGML_NO_BACKTRACE", "1"); err != nil {
		return nil, err
	}
	rel, err := known()
	if err != nil {
		return nil, err
	}
	// Each library finds the ones opened before it by its soname, so the
	// dynamic linker needs no search path.
	var handles [3]uintptr
	for i, name := range []string{baseFile, ggmlFile, llamaFile} {
		if handles[i], err = open(rel, dir, name); err != nil {
			return nil, err
		}
	}
	base, ggml, llama := handles[0], handles[1], handles[2]

	l := &Library{log: &logTail{}}
	if err := l.bind(base, ggml, llama); err != nil {
		return nil, err
	}
	l.info = study.RuntimeInfo{Name: "llama.cpp", Version: l.fn.version(), Digest: rel.digest()}
	if err := l.checkDefaults(); err != nil {
		return nil, err
	}
	if err := l.log.capture(llama); err != nil {
		return nil, err
	}
	if err := l.start(rel, dir, backend, ggml, llama); err != nil {
		return nil, err
	}
	return l, l.bindPool(base, ggml, llama)
}

// Info names the libraries and the backend in use.
func (l *Library) Info() study.RuntimeInfo { return l.info }

// Backends returns the CPU backends of the folder that this CPU can run, best
// first. It is empty when Open was told which one to take.
func (l *Library) Backends() []string { return l.backends }

// start loads the CPU backend and initialises llama.cpp. The backend comes
// first: llama_backend_init would otherwise search the folder of the
// executable and the working folder for libraries.
func (l *Library) start(rel release, dir, backend string, ggml, llama uintptr) error {
	if backend == "" {
		var err error
		if l.backends, err = score(rel, dir); err != nil {
			return err
		}
		if len(l.backends) == 0 {
			return refuse("cannot find a CPU backend in %s that this CPU runs", dir)
		}
		backend = l.backends[0]
	} else if err := rel.verify(dir, backend); err != nil {
		return err
	}
	var (
		backendLoad func(path string) uintptr
		backendInit func()
	)
	if err := bindAll(ggml, map[string]any{"ggml_backend_load": &backendLoad}); err != nil {
		return err
	}
	if err := bindAll(llama, map[string]any{"llama_backend_init": &backendInit}); err != nil {
		return err
	}
	if backendLoad(filepath.Join(dir, backend)) == 0 {
		return refuse("cannot load the CPU backend %s: this CPU does not run it", backend)
	}
	l.info.Backend = backend
	backendInit()
	return nil
}

// score returns the release's CPU backends in dir that this CPU can run, by
// descending ggml_backend_score, which is how ggml itself chooses. (Its own
// chooser would also open every other libggml-*.so of the folder.)
func score(rel release, dir string) ([]string, error) {
	points := map[string]int32{}
	var names []string
	for _, name := range rel.backends(dir) {
		if err := rel.verify(dir, name); err != nil {
			return nil, err
		}
		lib, err := purego.Dlopen(filepath.Join(dir, name), purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			continue // it needs what this computer does not have
		}
		var scoreOf func() int32
		if err := bindAll(lib, map[string]any{"ggml_backend_score": &scoreOf}); err == nil {
			if s := scoreOf(); s > 0 {
				points[name] = s
				names = append(names, name)
			}
		}
		if err := purego.Dlclose(lib); err != nil {
			return nil, refuse("cannot close %s: %v", name, err)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return int(points[b] - points[a]) })
	return names, nil
}

// bind sets the functions that do not belong to a backend.
func (l *Library) bind(base, ggml, llama uintptr) error {
	f := &l.fn
	return errors.Join(bindAll(base, map[string]any{
		"ggml_blck_size":              &f.blockLength,
		"ggml_row_size":               &f.rowSize,
		"ggml_quantize_chunk":         &f.quantizeChunk,
		"ggml_fp16_to_fp32_row":       &f.halfToFloat,
		"ggml_bf16_to_fp32_row":       &f.bfloatToFloat,
		"ggml_threadpool_params_init": &f.poolParamsInit,
	}), bindAll(llama, map[string]any{
		"llama_version":                       &f.version,
		"llama_model_default_params":          &f.modelDefaults,
		"llama_context_default_params":        &f.contextDefaults,
		"llama_model_quantize_default_params": &f.quantizeDefaults,
		"llama_model_load_from_file":          &f.modelLoad,
		"llama_model_load_from_splits":        &f.modelLoadSplits,
		"llama_model_free":                    &f.modelFree,
		"llama_model_get_vocab":               &f.modelVocab,
		"llama_model_quantize":                &f.modelQuantize,
		"llama_vocab_n_tokens":                &f.vocabSize,
		"llama_vocab_bos":                     &f.vocabBOS,
		"llama_vocab_get_add_bos":             &f.vocabAddBOS,
		"llama_tokenize":                      &f.tokenize,
		"llama_token_to_piece":                &f.tokenToPiece,
		"llama_init_from_model":               &f.contextNew,
		"llama_free":                          &f.contextFree,
		"llama_get_memory":                    &f.contextMemory,
		"llama_memory_clear":                  &f.memoryClear,
		"llama_decode":                        &f.decode,
		"llama_batch_init":                    &f.batchInit,
		"llama_batch_free":                    &f.batchFree,
		"llama_get_logits":                    &f.logits,
		"llama_get_logits_ith":                &f.logitsAt,
		"llama_attach_threadpool":             &f.poolAttach,
	}), addresses(llama, map[string]*uintptr{
		"llama_decode":      &f.addresses.decode,
		"llama_synchronize": &f.addresses.synchronize,
	}), addresses(purego.RTLD_DEFAULT, map[string]*uintptr{
		"clock_gettime": &f.addresses.clock, // of the C library, which llama.cpp has loaded
	}))
}

// bindPool finds the thread pool functions. They live in the CPU backend that
// was chosen, so they are looked up by name through its registry.
func (l *Library) bindPool(base, ggml, llama uintptr) error {
	var (
		deviceByType func(typ int32) uintptr
		deviceReg    func(dev uintptr) uintptr
		procAddress  func(reg uintptr, name string) uintptr
	)
	err := errors.Join(
		bindAll(ggml, map[string]any{"ggml_backend_dev_by_type": &deviceByType}),
		bindAll(base, map[string]any{
			"ggml_backend_dev_backend_reg":      &deviceReg,
			"ggml_backend_reg_get_proc_address": &procAddress,
		}))
	if err != nil {
		return err
	}
	const cpu = 0 // GGML_BACKEND_DEVICE_TYPE_CPU
	dev := deviceByType(cpu)
	if dev == 0 {
		return refuse("cannot compute: no CPU backend was loaded")
	}
	reg := deviceReg(dev)
	for name, fn := range map[string]any{"ggml_threadpool_new": &l.fn.poolNew, "ggml_threadpool_free": &l.fn.poolFree} {
		addr := procAddress(reg, name)
		if addr == 0 {
			return refuse("cannot use the CPU backend %s: it has no %s", l.info.Backend, name)
		}
		purego.RegisterFunc(fn, addr)
	}
	return nil
}

// open opens one library. Its symbols are made global, so that the next one
// finds them.
func open(rel release, dir, name string) (uintptr, error) {
	if err := rel.verify(dir, name); err != nil {
		return 0, err
	}
	h, err := purego.Dlopen(filepath.Join(dir, name), purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return 0, refuse("cannot open %s: %v; it needs glibc 2.34 or newer and libstdc++", name, err)
	}
	return h, nil
}

// bindAll sets each function variable to the symbol of the library.
func bindAll(lib uintptr, fns map[string]any) error {
	for name, fn := range fns {
		var addr uintptr
		if err := addresses(lib, map[string]*uintptr{name: &addr}); err != nil {
			return err
		}
		purego.RegisterFunc(fn, addr)
	}
	return nil
}

// addresses finds symbols of a library.
func addresses(lib uintptr, symbols map[string]*uintptr) error {
	for name, addr := range symbols {
		var err error
		if *addr, err = purego.Dlsym(lib, name); err != nil {
			return fmt.Errorf("cannot find a function of llama.cpp: %w", err)
		}
	}
	return nil
}
