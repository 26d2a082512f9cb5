package llama

//lint:file-ignore U1000 the fields mirror C structs: what matters is that they are there

// modelParams is struct llama_model_params.
type modelParams struct {
	devices, tensorBuftOverrides uintptr
	nGPULayers                   int32
	splitMode                    int32
	loadMode                     int32
	lazyMode                     int32
	mainGPU                      int32
	tensorSplit                  uintptr
	progress, progressData       uintptr
	kvOverrides                  uintptr
	vocabOnly                    bool
	checkTensors                 bool
	useExtraBufts                bool // repack weights for the CPU's kernels
	noHost                       bool
	noAlloc                      bool
	loadMTP                      bool
}

// loadAuto is the load mode that chooses mmap where it can.
const loadAuto = -1

// contextParams is struct llama_context_params.
type contextParams struct {
	nCtx, nBatch, nUBatch, nSeqMax, nRsSeq                      uint32
	nOutputsMax, nOutputsMaxPerSeq                              uint32
	nThreads, nThreadsBatch                                     int32
	contextType, ropeScaling, pooling, attention                int32
	flashAttn                                                   int32 // -1 auto, 0 off, 1 on
	ropeFreqBase, ropeFreqScale                                 float32
	yarnExtFactor, yarnAttnFactor, yarnBetaFast, yarnBetaSlow   float32
	yarnOrigCtx                                                 uint32
	defragThold                                                 float32
	evalCallback, evalCallbackData                              uintptr
	typeK, typeV                                                int32 // ggml types of the key-value cache
	abortCallback, abortCallbackData                            uintptr
	embeddings, offloadKQV, noPerf, opOffload, swaFull, unified bool
	samplers, nSamplers                                         uintptr
	contextOther                                                uintptr
}

// quantizeParams is struct llama_model_quantize_params.
type quantizeParams struct {
	nThread                                      int32
	fileType                                     int32
	outputType, embeddingType                    int32
	allowRequantize, quantizeOutput              bool
	onlyCopy, pure, keepSplit, dryRun            bool
	imatrix, kvOverrides, typeOverrides, pruneAt uintptr
	maxBufSize                                   uintptr
}

// batchStruct is struct llama_batch. Its arrays are C memory.
type batchStruct struct {
	nTokens int32
	token   *int32
	embd    *float32
	pos     *int32
	nSeqID  *int32
	seqID   **int32
	logits  *int8
}

// poolParams is struct ggml_threadpool_params.
type poolParams struct {
	cpuMask   [512]bool // all false: no affinity
	nThreads  int32
	priority  int32
	poll      uint32
	strictCPU bool
	paused    bool
}
