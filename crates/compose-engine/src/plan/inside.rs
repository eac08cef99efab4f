//! Which pixels of a grid lie within the polygons of an area.
//!
//! A pixel is inside where its centre lies within an odd number of rings of a polygon, whichever polygon that is. With
//! `touch` every pixel whose inside an edge passes through is inside as well. Each row is judged in pixels of the whole grid,
//! so that the answer depends on no block and no tile.

use compose_core::Window;
use ndarray::{Array3, s};
use std::ops::Range;

/// Rows that share a list of edges.
const STRIP: usize = 8;
/// Where edges run along the border of pixels, in pixels: what a transformation leaves of noise touches none.
const ALONG: f64 = 1e-3;

/// A vertex: column and row in pixels of the whole grid, corners of pixels being whole numbers.
pub type Point = (f64, f64);

/// An edge of a polygon, from its upper end.
#[derive(Clone, Copy, Debug)]
struct Edge {
    polygon: u32,
    from: Point,
    to: Point,
}

/// The pixels of a grid that lie within polygons.
#[derive(Debug)]
pub struct Inside {
    edges: Vec<Edge>,
    /// Per strip of rows: where its edges begin in `in_strips`.
    starts: Vec<usize>,
    /// The edges of each strip.
    in_strips: Vec<u32>,
    size: (usize, usize),
    touch: bool,
}

impl Inside {
    /// Of polygons (rings of vertices, the last as the first) on a grid of so many columns and rows.
    pub fn new(polygons: &[Vec<Vec<Point>>], size: (usize, usize), touch: bool) -> Self {
        let of_polygon = |(nth, rings): (usize, &Vec<Vec<Point>>)| {
            let edge = move |ends: &[Point]| {
                // The same numbers whichever way a ring runs.
                let (from, to) = if (ends[0].1, ends[0].0) <= (ends[1].1, ends[1].0) {
                    (ends[0], ends[1])
                } else {
                    (ends[1], ends[0])
                };
                Edge { polygon: nth as u32, from, to }
            };
            rings.iter().flat_map(|ring| ring.windows(2)).map(edge).collect::<Vec<Edge>>()
        };
        let edges: Vec<Edge> = polygons.iter().enumerate().flat_map(of_polygon).collect();
        let strips = size.1.div_ceil(STRIP).max(1);
        let strip = |row: f64| (row.floor().clamp(0.0, size.1 as f64 - 1.0) as usize) / STRIP;
        // An edge on a border between rows may touch both.
        let of_edge = |edge: &Edge| strip(edge.from.1 - 1.0)..strip(edge.to.1 + 1.0) + 1;
        let mut starts = vec![0; strips + 1];
        edges.iter().flat_map(of_edge).for_each(|strip| starts[strip + 1] += 1);
        (0..strips).for_each(|strip| starts[strip + 1] += starts[strip]);
        let (mut next, mut in_strips) = (starts.clone(), vec![0; starts[strips]]);
        for (nth, edge) in edges.iter().enumerate() {
            for strip in of_edge(edge) {
                in_strips[next[strip]] = nth as u32;
                next[strip] += 1;
            }
        }
        Self { edges, starts, in_strips, size, touch }
    }

    /// The columns of a row that are inside: ranges that rise, and do not meet.
    pub fn row(&self, row: i64) -> Vec<Range<i64>> {
        if row < 0 || row >= self.size.1 as i64 {
            return Vec::new();
        }
        let strip = row as usize / STRIP;
        let near = &self.in_strips[self.starts[strip]..self.starts[strip + 1]];
        let edges = || near.iter().map(|nth| &self.edges[*nth as usize]);
        let mut crossings: Vec<(u32, f64)> = edges().filter_map(|edge| edge.crossing(row)).collect();
        crossings.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // A centre on an edge is to the right of it.
        let first = |x: f64| self.column((x - 0.5).ceil());
        let between = |pair: &[(u32, f64)]| first(pair[0].1)..first(pair[1].1);
        let mut spans: Vec<Range<i64>> = crossings.chunks_exact(2).map(between).collect();
        if self.touch {
            spans.extend(edges().filter_map(|edge| edge.touched(row)).map(|(left, right)| {
                self.column((left - 1.0 + ALONG).ceil())..self.column((right - ALONG).floor() + 1.0)
            }));
        }
        spans.retain(|span| span.start < span.end);
        merged(spans)
    }

    fn on_grid(&self, window: Window) -> Option<Window> {
        window.intersect(Window::whole(self.size.0, self.size.1))
    }

    fn column(&self, x: f64) -> i64 {
        x.clamp(0.0, self.size.0 as f64) as i64
    }

    /// The columns of a row of a window that are inside, counted from its left edge.
    fn row_in(&self, window: Window, row: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let spans = self.row(window.row + row as i64).into_iter();
        let at = move |col: i64| (col - window.col).clamp(0, window.width as i64) as usize;
        spans.map(move |span| at(span.start)..at(span.end)).filter(|span| !span.is_empty())
    }

    /// The number of pixels of a window that are inside.
    pub fn count(&self, window: Window) -> u64 {
        let Some(window) = self.on_grid(window) else { return 0 };
        let of_row = |row| self.row_in(window, row).map(|span| span.len() as u64).sum::<u64>();
        (0..window.height).map(of_row).sum()
    }

    /// Whether a pixel of a window is inside.
    pub fn meets(&self, window: Window) -> bool {
        let Some(window) = self.on_grid(window) else { return false };
        (0..window.height).any(|row| self.row_in(window, row).next().is_some())
    }

    /// The number of pixels that are inside, of each piece of the grid of this size, row by row.
    pub fn count_pieces(&self, (width, height): (usize, usize)) -> Vec<u64> {
        let (across, down) = (self.size.0.div_ceil(width), self.size.1.div_ceil(height));
        let mut counts = vec![0; across * down];
        for row in 0..self.size.1 {
            for span in self.row(row as i64) {
                let (mut from, end) = (span.start as usize, span.end as usize);
                while from < end {
                    let piece = from / width;
                    let to = end.min((piece + 1) * width);
                    counts[row / height * across + piece] += (to - from) as u64;
                    from = to;
                }
            }
        }
        counts
    }

    /// The pieces of this size of a part of the grid that have a pixel inside: ranges of their numbers, row by row.
    pub fn pieces(&self, of: Window, (width, height): (usize, usize)) -> Vec<Range<usize>> {
        let across = of.width.div_ceil(width);
        let in_strip = |strip: usize| {
            let rows = strip * height..((strip + 1) * height).min(of.height);
            let pieces = move |span: Range<usize>| span.start / width..(span.end - 1) / width + 1;
            let met: Vec<Range<i64>> = rows
                .flat_map(|row| self.row_in(of, row))
                .map(pieces)
                .map(|met| (strip * across + met.start) as i64..(strip * across + met.end) as i64)
                .collect();
            merged(met)
        };
        let met = (0..of.height.div_ceil(height)).flat_map(in_strip);
        met.map(|range| range.start as usize..range.end as usize).collect()
    }

    /// The pixels of a window that are inside.
    pub fn spans(&self, window: Window) -> Spans {
        Spans {
            width: window.width,
            rows: (0..window.height).map(|row| self.row_in(window, row).collect()).collect(),
        }
    }

    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        (size_of_val(&*self.edges) + size_of_val(&*self.starts) + size_of_val(&*self.in_strips)) as u64
    }
}

/// The pixels of a window that are inside: per row, ranges of columns that rise.
pub struct Spans {
    width: usize,
    rows: Vec<Vec<Range<usize>>>,
}

impl Spans {
    /// Sets the pixels of planes (plane, row, col) that are not inside.
    pub fn set_outside<T: Copy>(&self, planes: &mut Array3<T>, value: T) {
        for (row, spans) in self.rows.iter().enumerate() {
            let mut from = 0;
            for span in spans.iter().chain([&(self.width..self.width)]) {
                planes.slice_mut(s![.., row, from..span.start]).fill(value);
                from = span.end;
            }
        }
    }
}

/// Ranges that rise and do not meet, which hold what any of these holds.
fn merged(mut ranges: Vec<Range<i64>>) -> Vec<Range<i64>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut all: Vec<Range<i64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match all.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => all.push(range),
        }
    }
    all
}

impl Edge {
    /// The column at which it crosses the middle of a row: its upper end belongs to it, its lower end does not.
    fn crossing(&self, row: i64) -> Option<(u32, f64)> {
        let y = row as f64 + 0.5;
        (self.from.1 <= y && y < self.to.1).then(|| (self.polygon, self.column_at(y)))
    }

    fn column_at(&self, y: f64) -> f64 {
        let ((x0, y0), (x1, y1)) = (self.from, self.to);
        let x = x0 + (x1 - x0) * ((y - y0) / (y1 - y0));
        x.clamp(x0.min(x1), x0.max(x1))
    }

    /// The columns between which it runs through the inside of the pixels of a row.
    fn touched(&self, row: i64) -> Option<(f64, f64)> {
        let (top, bottom) = (row as f64 + ALONG, row as f64 + 1.0 - ALONG);
        if self.from.1 > bottom || self.to.1 < top {
            return None;
        }
        let a = if self.from.1 >= top { self.from.0 } else { self.column_at(top) };
        let b = if self.to.1 <= bottom { self.to.0 } else { self.column_at(bottom) };
        Some((a.min(b), a.max(b)))
    }
}

#[cfg(test)]
mod tests;
