//! A proxy with what fits it: what the methods share that learn through one.

use std::sync::Arc;

use tandem_core::{Hardware, Stream};

use super::{Context, MethodError, Setup};
use crate::adam::Adam;
use crate::archive::{Archive, ArchiveError};
use crate::method_error::finite;
use crate::proxy::{DesignDraw, Gap, Pairs, Proxy, ProxySettings};

/// Pairs that the normalisers of a new proxy are taken from.
const SAMPLE: usize = 4096;

/// A proxy, the hardware that it stands for, and its optimiser.
pub struct FittedProxy {
    /// What the proxy is fitted to.
    pub hardware: Arc<dyn Hardware>,
    /// The network.
    pub proxy: Proxy,
    /// Optimiser of the network.
    pub adam: Adam,
    /// Draws queries and designs.
    pub stream: Stream,
}

impl FittedProxy {
    /// A proxy of an experiment's hardware, not fitted yet; its normalisers are taken from designs of this draw.
    pub fn new(setup: &Setup, settings: &ProxySettings, conditioned: bool, draw: DesignDraw) -> Self {
        let hardware = setup.hardware.clone();
        let mut stream = Stream::new(setup.seed, "proxy", 0);
        let sample = Pairs::sample(&*hardware, SAMPLE, draw, &mut stream);
        let proxy = Proxy::new(&*hardware, settings, conditioned, &sample, &mut stream);
        Self {
            adam: Adam::new(proxy.parameters()),
            hardware,
            proxy,
            stream,
        }
    }

    /// Fits the proxy before the first iteration, over designs of this draw.
    ///
    /// # Errors
    /// [`MethodError::Stopped`]; an error of the proxy that is not finite.
    pub fn prepare(
        &mut self,
        settings: &ProxySettings,
        draw: DesignDraw,
        context: &mut Context,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), MethodError> {
        let (gap, queries) = self
            .proxy
            .fit(&mut self.adam, &*self.hardware, settings, draw, &mut self.stream, stop);
        *context.hardware_queries += queries;
        if stop() {
            return Err(MethodError::Stopped);
        }
        self.adam.reset();
        finite(gap.rmse.is_finite(), "the proxy's error")
    }

    /// True effects of queries `[R, query]`, for designs of this draw.
    pub fn ask(&mut self, queries: &[f32], draw: DesignDraw) -> Pairs {
        Pairs::ask(&*self.hardware, queries, draw, &mut self.stream)
    }

    /// Distance to the hardware at a design, on visited `[R, query]` and on uniform queries.
    pub fn gaps(&self, logits: &[f64], visited: &[f32]) -> [Gap; 2] {
        self.proxy.gaps(&*self.hardware, logits, visited)
    }

    /// Stores network, optimiser and stream.
    pub fn save(&self, archive: &mut Archive) {
        self.proxy.save(archive, "proxy");
        self.adam.save(archive, "proxy.adam");
        archive.put_json("proxy.stream", &self.stream);
    }

    /// Loads what [`FittedProxy::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.proxy.load(archive, "proxy")?;
        self.adam.load(archive, "proxy.adam")?;
        self.stream = archive.get_json("proxy.stream")?;
        Ok(())
    }
}
