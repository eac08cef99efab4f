use super::*;
use proptest::prelude::*;

type Rings = Vec<Vec<Point>>;

fn closed(points: &[Point]) -> Vec<Point> {
    points.iter().chain(points.first()).copied().collect()
}

fn rectangle(left: f64, top: f64, right: f64, bottom: f64) -> Vec<Point> {
    closed(&[(left, top), (right, top), (right, bottom), (left, bottom)])
}

/// What a picture of the grid shows: `#` is inside.
fn picture(polygons: &[Rings], size: (usize, usize), touch: bool) -> Vec<String> {
    let inside = Inside::new(polygons, size, touch);
    let mark = |row: usize, col: usize| {
        let held = inside.row(row as i64).iter().any(|span| span.contains(&(col as i64)));
        if held { '#' } else { '.' }
    };
    (0..size.1).map(|row| (0..size.0).map(|col| mark(row, col)).collect()).collect()
}

/// The plain definition, pixel by pixel.
fn reference(polygons: &[Rings], touch: bool, (col, row): (usize, usize)) -> bool {
    let (x, y) = (col as f64 + 0.5, row as f64 + 0.5);
    let edges = |rings: &Rings| -> Vec<(Point, Point)> {
        rings.iter().flat_map(|ring| ring.windows(2).map(|ends| (ends[0], ends[1]))).collect()
    };
    let left_of = |(a, b): &(Point, Point)| {
        let (a, b) = if (a.1, a.0) <= (b.1, b.0) { (a, b) } else { (b, a) };
        a.1 <= y && y < b.1 && a.0 + (b.0 - a.0) * ((y - a.1) / (b.1 - a.1)) <= x
    };
    let odd = |rings: &Rings| edges(rings).iter().filter(|edge| left_of(edge)).count() % 2 == 1;
    let touched = |rings: &Rings| edges(rings).iter().any(|edge| meets_box(*edge, (col, row)));
    polygons.iter().any(|rings| odd(rings) || (touch && touched(rings)))
}

/// Whether an edge has a point in the inside of a pixel, by clipping it along both axes (Liang and Barsky 1984).
fn meets_box((a, b): (Point, Point), (col, row): (usize, usize)) -> bool {
    let (mut from, mut to) = (0.0_f64, 1.0_f64);
    for (start, step, low) in [(a.0, b.0 - a.0, col as f64), (a.1, b.1 - a.1, row as f64)] {
        let (low, high) = (low + ALONG - start, low + 1.0 - ALONG - start);
        if step == 0.0 {
            if low > 0.0 || high < 0.0 {
                return false;
            }
            continue;
        }
        let (first, last) = (low / step, high / step);
        from = from.max(first.min(last));
        to = to.min(first.max(last));
    }
    from <= to
}

#[test]
fn a_pixel_is_inside_where_its_centre_is() {
    let diamond: Rings = vec![closed(&[(3.0, 0.2), (5.8, 3.0), (3.0, 5.8), (0.2, 3.0)])];
    assert_eq!(
        picture(std::slice::from_ref(&diamond), (6, 6), false),
        ["......", "..##..", ".####.", ".####.", "..##..", "......"]
    );
    assert_eq!(
        picture(&[diamond], (6, 6), true),
        ["..##..", ".####.", "######", "######", ".####.", "..##.."]
    );
}

#[test]
fn holes_are_outside_and_polygons_that_overlap_are_inside() {
    let ring: Rings = vec![rectangle(0.0, 0.0, 6.0, 5.0), rectangle(2.0, 1.0, 4.0, 4.0)];
    let expected = ["######", "##..##", "##..##", "##..##", "######"];
    assert_eq!(picture(std::slice::from_ref(&ring), (6, 5), false), expected);
    // An edge along the border of pixels touches none of them, to within what a transformation leaves of noise.
    let noisy: Rings = vec![ring[0].clone(), rectangle(2.0 + 1e-6, 1.0 - 1e-6, 4.0 - 1e-6, 4.0)];
    assert_eq!(picture(&[noisy], (6, 5), true), expected);
    let island: Rings = vec![rectangle(2.4, 1.4, 3.2, 3.6)];
    let both = picture(&[ring, island], (6, 5), false);
    assert_eq!(both, ["######", "###.##", "###.##", "###.##", "######"]);
}

#[test]
fn two_polygons_that_share_an_edge_share_no_pixel_and_leave_none_out() {
    // The edge runs through centres of pixels.
    let left: Rings = vec![closed(&[(0.0, 0.0), (1.0, 0.0), (5.0, 4.0), (4.5, 6.0), (0.0, 6.0)])];
    let right: Rings = vec![closed(&[(6.0, 6.0), (4.5, 6.0), (5.0, 4.0), (1.0, 0.0), (6.0, 0.0)])];
    let (a, b) = (picture(&[left], (6, 6), false), picture(&[right], (6, 6), false));
    for (a, b) in a.iter().zip(&b) {
        assert!(a.chars().zip(b.chars()).all(|(a, b)| (a == '#') != (b == '#')), "{a} {b}");
    }
}

#[test]
fn pieces_and_counts_are_those_of_their_pixels() {
    let polygons: Vec<Rings> = vec![
        vec![
            closed(&[(3.2, 1.0), (60.5, 7.7), (40.1, 70.9), (9.0, 44.4)]),
            rectangle(20.0, 20.0, 30.0, 33.0),
        ],
        vec![rectangle(70.3, 80.2, 79.9, 96.0)],
    ];
    let inside = Inside::new(&polygons, (80, 97), true);
    let whole = Window::whole(80, 97);
    let counts = inside.count_pieces((16, 16));
    for (nth, count) in counts.iter().enumerate() {
        let (row, col) = (nth / 5, nth % 5);
        let piece = Window { col: 16 * col as i64, row: 16 * row as i64, width: 16, height: 16 };
        assert_eq!(inside.count(piece), *count, "{piece:?}");
        assert_eq!(inside.meets(piece), *count > 0);
        let met = inside.pieces(whole, (16, 16)).iter().any(|range| range.contains(&nth));
        assert_eq!(met, *count > 0);
    }
    assert_eq!(inside.count(whole), counts.iter().sum::<u64>());
    assert_eq!(inside.count(whole.expand(1 << 40)), inside.count(whole));
    let window = Window { col: 10, row: 5, width: 33, height: 40 };
    let mut plane = Array3::from_elem((2, 40, 33), 1_u8);
    inside.spans(window).set_outside(&mut plane, 0);
    assert_eq!(plane.iter().map(|p| u64::from(*p)).sum::<u64>(), 2 * inside.count(window));
}

proptest! {
    #[test]
    fn every_row_is_what_the_plain_definition_says(
        corners in proptest::collection::vec((-2_i32..50, -2_i32..50), 3..9),
        other in proptest::collection::vec((0_i32..50, 0_i32..50), 3..5),
        scale in prop::sample::select(vec![0.25, 0.5, 1.0, 0.37]),
        touch: bool,
    ) {
        // Of whole, half and odd parts of pixels: vertices and edges lie on centres and borders.
        let ring = |corners: &[(i32, i32)]| {
            closed(&corners.iter().map(|(x, y)| (f64::from(*x) * scale, f64::from(*y) * scale)).collect::<Vec<_>>())
        };
        let polygons = vec![vec![ring(&corners)], vec![ring(&other)]];
        let size = (40, 41);
        let seen = picture(&polygons, size, touch);
        for (row, line) in seen.iter().enumerate() {
            for (col, mark) in line.chars().enumerate() {
                prop_assert_eq!(mark == '#', reference(&polygons, touch, (col, row)), "({}, {})", col, row);
            }
        }
    }
}
