//! The tension between neighbours, and the certainty of a pixel that follows from it.

/// The membrane over the residual of a prediction is stiff where the donors are smooth, slack across their edges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tension {
    /// How unlike two neighbours may be to be bound together, in standard deviations of the donors' bands.
    pub sigma: f32,
    /// The weight of the most unlike neighbours; that of the most alike is 1 more.
    pub epsilon: f32,
    /// How soon the correction fades: its reach is about 1/√lambda pixels.
    pub lambda: f32,
}

impl Tension {
    /// Weight of the edge between two neighbours, given the mean square of their difference.
    pub fn weight(&self, unlike: f32) -> f32 {
        self.epsilon + (-0.5 * unlike / (self.sigma * self.sigma)).exp()
    }

    /// Standard deviation of a filled pixel at some distance from the border of the gap: near by `roughness`, what differs
    /// between neighbours; beyond the reach of the membrane `sigma`, all that the prediction leaves unexplained. (Simple
    /// kriging with an exponential covariance of the membrane's reach and a nugget, from the nearest pixel alone.)
    pub fn uncertainty(&self, sigma: f32, roughness: f32, distance: f32) -> f32 {
        // The error of a copy is not known; `max` would turn it into 0.
        if sigma.is_nan() {
            return sigma;
        }
        let lost = 1.0 - (-2.0 * distance * self.lambda.sqrt()).exp();
        (roughness * roughness + (sigma * sigma - roughness * roughness).max(0.0) * lost).sqrt()
    }
}
