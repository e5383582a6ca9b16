"""A language model from scratch in NumPy, one idea a module.

Read them in this order:

`corpus`     the small world that the model reads about
`tokenizer`  text → numbers: byte-level byte-pair encoding
`layers`     the small differentiable pieces: embedding, linear, layer norm, GELU, cross-entropy
`attention`  how a position looks at others, and what it may look at
`params`     how parameters start, and trees of them
`gpt`        the model: embeddings, blocks, a residual stream, a head
`optim`      AdamW, gradient clipping, the learning-rate schedule
`train`      the loop that makes the loss fall
`generate`   sampling text, one token at a time
`checkpoint` a model in a file, and back
`weights`    a model in a file that a browser reads
`panels`     tables that come alive in a browser
`finetune`   the same body, a new head: classification
`tasks`      things to ask of a model, each with the one answer that counts as right
`instruct`   following instructions: training on answers alone
`preferences` of two answers, which one somebody prefers: DPO

Every layer is a pure pair: `forward(x, p) -> (y, cache)` and `backward(dy, cache) -> (dx, dp)`.
In the comments on shapes, B is the batch, T the time (positions), D the width of the model, H the heads and
V the vocabulary.
"""
