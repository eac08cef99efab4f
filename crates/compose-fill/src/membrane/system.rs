//! The matrix of the screened Poisson equation on a domain of pixels.

/// The matrix on a domain of pixels, row by row.
pub(crate) struct System {
    /// Pixels in a row.
    pub width: usize,
    /// Unknown pixels: λ (1e-4 or more) + the weights of all kept edges, also of those to known pixels. Others: 0.
    pub diagonal: Vec<f32>,
    /// Weight of the edge to the right neighbour where both pixels are unknown and the edge is kept, else 0.
    pub right: Vec<f32>,
    /// The same of the edge to the lower neighbour.
    pub down: Vec<f32>,
}

impl System {
    /// The neighbours that an edge joins to a pixel.
    pub fn joined_to(&self, pixel: usize) -> [Option<usize>; 4] {
        let [left, up] = [1, self.width].map(|step| pixel.checked_sub(step));
        [
            left.filter(|&left| self.right[left] > 0.0),
            up.filter(|&up| self.down[up] > 0.0),
            (self.right[pixel] > 0.0).then_some(pixel + 1),
            (self.down[pixel] > 0.0).then_some(pixel + self.width),
        ]
    }
}
