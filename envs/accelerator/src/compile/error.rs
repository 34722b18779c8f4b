//! Why a network cannot be compiled.

use thiserror::Error;

use super::tile::DoesNotFit;
use crate::gemm::TooLarge;
use crate::layer::Layer;
use crate::task::GraphError;

/// Why a network cannot run on a platform.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// A tile that fits no buffer.
    #[error(transparent)]
    DoesNotFit(#[from] DoesNotFit),
    /// Too many tasks, or too long a time.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A mapping that the platform cannot follow.
    #[error("layer `{layer}`: its mapping cannot be followed: {reason}")]
    Mapping {
        /// The layer.
        layer: String,
        /// Why.
        reason: String,
    },
    /// A count beyond 64 bits.
    #[error("layer `{layer}`: {cause}")]
    TooLarge {
        /// The layer.
        layer: String,
        /// Which count.
        cause: TooLarge,
    },
}

/// An error that does not know its layer yet.
pub(super) enum Trouble {
    Graph(GraphError),
    TooLarge(TooLarge),
    DoesNotFit(DoesNotFit),
    Mapping(String),
}

impl Trouble {
    /// The error of this layer.
    pub fn of(self, layer: &Layer) -> CompileError {
        match self {
            Self::Graph(error) => error.into(),
            Self::DoesNotFit(error) => error.into(),
            Self::Mapping(reason) => CompileError::Mapping {
                layer: layer.name.clone(),
                reason,
            },
            Self::TooLarge(cause) => CompileError::TooLarge {
                layer: layer.name.clone(),
                cause,
            },
        }
    }
}

impl From<GraphError> for Trouble {
    fn from(error: GraphError) -> Self {
        Self::Graph(error)
    }
}

impl From<TooLarge> for Trouble {
    fn from(error: TooLarge) -> Self {
        Self::TooLarge(error)
    }
}
