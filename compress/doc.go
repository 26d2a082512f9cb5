// Package compress knows what an assignment means for a GGUF model: which type
// every matrix gets, which half blocks are left out, how many blocks are kept
// (Plan), how large that is (study.Prediction), how it is built from pieces
// that variants share (Builder), and how the pieces become one file again
// (Export).
//
// A variant is a split GGUF model. Its first piece holds the metadata and the
// tensors that are not matrices; piece i holds matrix i of the source file,
// whatever the variant, so that a matrix stored in the same way is the same
// piece. A matrix that a variant lacks is an empty piece.
package compress
