//! Networks for text.

use super::Size;
use super::stack::{Place, Stack};
use crate::gemm::Gemm;
use crate::layer::{Network, NormKind, Op};

/// Sizes of the small transformers: width, heads, width of the feed-forward part.
const WIDTH: u64 = 768;
const HEADS: u64 = 12;
const HIDDEN: u64 = 3072;

/// Positions that BERT's table has, the longest text it takes.
pub(super) const BERT_POSITIONS: u64 = 512;

/// Layers over rows of [`WIDTH`] numbers, one row per token.
struct Text {
    stack: Stack,
    tokens: u64,
}

impl Text {
    fn new(size: Size) -> Self {
        Self {
            stack: Stack::new(size, WIDTH),
            tokens: size.input[0],
        }
    }

    /// A place to come back to.
    fn here(&self) -> Place {
        self.stack.top.clone()
    }

    fn linear(&mut self, name: &str, outputs: u64) {
        let op = Op::Linear {
            rows: self.stack.batch() * self.tokens,
            inputs: self.stack.top.channels,
            outputs,
            bias: true,
        };
        self.stack.push(name, op);
        self.stack.top.channels = outputs;
    }

    fn norm(&mut self, name: &str) {
        let op = Op::Norm {
            kind: NormKind::Layer,
            elements: self.stack.elements(),
            parameters: 2 * self.stack.top.channels,
        };
        self.stack.push(name, op);
    }

    /// Self-attention and its sum with what it is added to; a mask changes what counts, not what is computed.
    fn attention(&mut self, name: &str, past: &Place) {
        self.linear(&format!("{name}.qkv"), 3 * WIDTH);
        let qkv = self.here();
        let (tokens, head) = (self.tokens, WIDTH / HEADS);
        let batch = HEADS * self.stack.batch();
        let product = |m, n, k| Op::MatMul {
            batch,
            gemm: Gemm { m, n, k },
        };
        let scores = product(tokens, tokens, head);
        let values = product(tokens, head, tokens);
        self.stack.push(format!("{name}.scores"), scores);
        let elements = batch * tokens * tokens;
        self.stack.push(format!("{name}.softmax"), Op::Softmax { elements });
        let both = [self.here().makers, qkv.makers].concat();
        self.stack.push_on(format!("{name}.values"), values, both);
        self.stack.top.channels = WIDTH;
        self.linear(&format!("{name}.out"), WIDTH);
        self.stack.add(&format!("{name}.add"), past);
    }

    fn feed_forward(&mut self, name: &str, past: &Place) {
        self.linear(&format!("{name}.up"), HIDDEN);
        self.stack.activation(&format!("{name}.gelu"));
        self.linear(&format!("{name}.down"), WIDTH);
        self.stack.add(&format!("{name}.add"), past);
    }

    /// Rows of three tables, summed.
    fn embeddings(&mut self, tables: [(&str, u64); 3]) {
        let mut makers = Vec::new();
        for (name, rows) in tables {
            let op = Op::Embedding {
                rows,
                width: WIDTH,
                tokens: self.stack.batch() * self.tokens,
            };
            self.stack.push_on(format!("embeddings.{name}"), op, Vec::new());
            makers.extend(self.here().makers);
        }
        let elements = self.stack.elements();
        let sum = Op::Elementwise {
            operands: 3,
            inputs: 3 * elements,
            elements,
            parameters: 0,
        };
        self.stack.push_on("embeddings.add", sum, makers);
    }
}

/// One block of GPT-2 small (Radford et al. 2019): norms before attention and feed-forward part.
pub(super) fn gpt2_block(size: Size) -> Network {
    let mut net = Text::new(size);
    let entry = net.here();
    net.norm("ln_1");
    net.attention("attn", &entry);
    let middle = net.here();
    net.norm("ln_2");
    net.feed_forward("mlp", &middle);
    net.stack.finish("gpt2-block")
}

/// BERT-base, uncased (Devlin et al. 2019), with its pooler and without a task's head.
pub(super) fn bert(size: Size) -> Network {
    let mut net = Text::new(size);
    net.embeddings([("word", 30_522), ("position", BERT_POSITIONS), ("type", 2)]);
    net.norm("embeddings.norm");
    for layer in 0..12 {
        let entry = net.here();
        net.attention(&format!("layer{layer}.attention"), &entry);
        net.norm(&format!("layer{layer}.attention.norm"));
        let middle = net.here();
        net.feed_forward(&format!("layer{layer}"), &middle);
        net.norm(&format!("layer{layer}.norm"));
    }
    net.tokens = 1; // the pooler sees the first token
    net.stack.top.image = [1, 1];
    net.linear("pooler", WIDTH);
    net.stack.activation("pooler.tanh");
    net.stack.finish("bert")
}
