//! Networks for text.

use super::stack::Stack;
use crate::accelerator::gemm::Gemm;
use crate::accelerator::layer::{Network, Op};

/// Sizes of the small transformers: width, heads, width of the feed-forward part.
const WIDTH: u64 = 768;
const HEADS: u64 = 12;
const HIDDEN: u64 = 3072;

/// Layers over `tokens` rows of [`WIDTH`] numbers.
struct Text {
    stack: Stack,
    tokens: u64,
}

impl Text {
    fn new(tokens: u64) -> Self {
        Self {
            stack: Stack::new([tokens, 1], WIDTH),
            tokens,
        }
    }

    fn linear(&mut self, name: &str, outputs: u64) {
        let op = Op::Linear {
            rows: self.tokens,
            inputs: self.stack.channels,
            outputs,
            bias: true,
        };
        self.stack.push(name, op);
        self.stack.channels = outputs;
    }

    fn norm(&mut self, name: &str) {
        let op = Op::Norm {
            elements: self.stack.elements(),
            parameters: 2 * self.stack.channels,
        };
        self.stack.push(name, op);
    }

    /// Self-attention; a mask changes what counts, not what is computed.
    fn attention(&mut self, name: &str) {
        self.linear(&format!("{name}.qkv"), 3 * WIDTH);
        let (tokens, head) = (self.tokens, WIDTH / HEADS);
        let product = |m, n, k| Op::MatMul {
            batch: HEADS,
            gemm: Gemm { m, n, k },
        };
        let scores = product(tokens, tokens, head);
        let values = product(tokens, head, tokens);
        self.stack.push(format!("{name}.scores"), scores);
        let elements = HEADS * tokens * tokens;
        self.stack
            .push(format!("{name}.softmax"), Op::Softmax { elements });
        self.stack.push(format!("{name}.values"), values);
        self.stack.channels = WIDTH;
        self.linear(&format!("{name}.out"), WIDTH);
        self.stack.add(&format!("{name}.add"));
    }

    fn feed_forward(&mut self, name: &str) {
        self.linear(&format!("{name}.up"), HIDDEN);
        self.stack.activation(&format!("{name}.gelu"));
        self.linear(&format!("{name}.down"), WIDTH);
        self.stack.add(&format!("{name}.add"));
    }

    fn embedding(&mut self, name: &str, rows: u64) {
        let op = Op::Embedding {
            rows,
            width: WIDTH,
            tokens: self.tokens,
        };
        self.stack.push(name, op);
    }
}

/// One block of GPT-2 small (Radford et al. 2019): norms before attention and feed-forward part.
pub(super) fn gpt2_block(tokens: u64) -> Network {
    let mut net = Text::new(tokens);
    net.norm("ln_1");
    net.attention("attn");
    net.norm("ln_2");
    net.feed_forward("mlp");
    net.stack.finish("gpt2-block")
}

/// BERT-base, uncased (Devlin et al. 2019), with its pooler and without a task's head.
pub(super) fn bert(tokens: u64) -> Network {
    let mut net = Text::new(tokens);
    net.embedding("embeddings.word", 30_522);
    net.embedding("embeddings.position", 512);
    net.embedding("embeddings.type", 2);
    net.norm("embeddings.norm");
    for layer in 0..12 {
        net.attention(&format!("layer{layer}.attention"));
        net.norm(&format!("layer{layer}.attention.norm"));
        net.feed_forward(&format!("layer{layer}"));
        net.norm(&format!("layer{layer}.norm"));
    }
    net.tokens = 1; // the pooler sees the first token
    net.stack.image = [1, 1];
    net.linear("pooler", WIDTH);
    net.stack.activation("pooler.tanh");
    net.stack
        .finish(if tokens == 512 { "bert-512" } else { "bert" })
}
