// Package quality scores next-token logits by the definitions of
// llama-perplexity: negative log-likelihood of the text, and Kullback-Leibler
// divergence from the distributions of another model, which are stored in
// llama-perplexity's file format. It holds mathematics and that format; it
// runs no model.
package quality
