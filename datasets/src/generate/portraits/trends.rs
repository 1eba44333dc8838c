//! The trends of fashion and of nuisances such as light, as functions of time.

const KNOTS: usize = 10;

/// Half the distance between the classes in each cue at the knots, before it gets length 2.
const HALF_DISTANCE: [[f64; KNOTS]; 8] = [
    [1.1, 1.2, 1.3, 1.2, 1.1, 0.1, 0.1, 0.15, 0.25, 0.3], // hair length
    [0.5, 0.6, 0.85, 1.0, 1.0, 0.05, 0.0, 0.0, 0.05, 0.15], // hair volume
    [0.25, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 0.95, 0.95, 0.85], // smile
    [0.8, 0.7, 0.45, 0.3, 0.2, -0.25, -0.4, -0.45, -0.35, -0.2], // collar
    [0.5, 0.4, 0.25, 0.1, 0.0, 0.25, 0.3, 0.25, 0.0, -0.1], // parting tilt
    [0.05, 0.1, 0.2, 0.2, 0.3, 1.05, 1.0, 0.85, 0.7, 0.6], // brow
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5],   // jaw
    [0.1, 0.1, 0.0, 0.1, 0.2, -0.85, -0.8, -0.6, -0.3, -0.1], // hair texture
];

/// The mean of both classes in each cue at the knots.
const MEAN: [[f64; KNOTS]; 8] = [
    [-0.4, -0.2, -0.05, 0.1, 0.2, 1.35, 1.2, 0.9, 0.7, 0.65], // hair length
    [-0.2, -0.1, 0.05, 0.2, 0.3, 0.95, 0.8, 0.5, 0.25, 0.05], // hair volume
    [-0.75, -0.6, -0.35, -0.2, -0.05, 0.25, 0.4, 0.6, 0.75, 0.8], // smile
    [0.0, 0.15, 0.3, 0.4, 0.3, -0.6, -0.6, -0.45, -0.25, -0.1], // collar
    [0.15, 0.25, 0.15, 0.0, -0.1, -0.3, -0.1, 0.1, 0.1, -0.1], // parting tilt
    [-0.2, -0.15, 0.0, 0.1, 0.1, -0.4, -0.2, 0.0, 0.15, 0.3], // brow
    [-0.25, -0.15, 0.0, 0.0, 0.0, 0.15, 0.2, 0.25, 0.35, 0.4], // jaw
    [-0.3, -0.15, -0.05, 0.1, 0.1, 0.65, 0.5, 0.3, 0.3, 0.45], // hair texture
];

/// Properties that do not depend on the class, at the knots.
const NUISANCES: [[f64; KNOTS]; 8] = [
    [0.25, 0.21, 0.15, 0.08, 0.03, -0.04, -0.12, -0.2, -0.28, -0.35], // background mean
    [0.85, 0.82, 0.78, 0.74, 0.72, 0.66, 0.62, 0.62, 0.6, 0.58],      // P(dark hair)
    [0.8, 0.75, 0.68, 0.64, 0.6, 0.52, 0.48, 0.45, 0.42, 0.4],        // P(dark cloth)
    [0.12, 0.12, 0.12, 0.12, 0.12, 0.12, 0.11, 0.1, 0.09, 0.08],      // grain sd
    [-0.45, -0.37, -0.29, -0.21, -0.14, -0.08, 0.0, 0.09, 0.18, 0.25], // log contrast
    [0.2, 0.4, 0.7, 0.9, 1.1, 1.4, 1.7, 2.0, 2.2, 2.4],               // light angle (rad)
    [-0.14, -0.11, -0.07, -0.03, 0.0, 0.03, 0.06, 0.09, 0.11, 0.13],  // log zoom
    [0.06, 0.05, 0.03, 0.02, 0.01, 0.0, -0.02, -0.04, -0.05, -0.06],  // vertical offset
];

/// The values of all trends at one time.
pub(super) struct Moment {
    /// Half the distance between the classes, of length 2.
    pub(super) distance: [f64; 8],
    /// The mean of both classes.
    pub(super) mean: [f64; 8],
    pub(super) background: f64,
    pub(super) dark_hair: f64,
    pub(super) dark_cloth: f64,
    pub(super) grain: f64,
    pub(super) log_contrast: f64,
    pub(super) light_angle: f64,
    pub(super) log_zoom: f64,
    pub(super) offset: f64,
}

/// The years of the knots. All values are linear between them.
pub(super) struct Trends {
    years: [f64; KNOTS],
}

impl Trends {
    /// Trends whose fast change begins and ends at the years of `change`.
    pub(super) fn new(change: [f64; 2]) -> Self {
        let [begin, end] = change;
        let years = [1930.0, 1940.0, 1950.0, 1960.0, begin, end, 1985.0, 1995.0, 2005.0, 2014.0];
        Self { years }
    }

    /// The values at time `t`, in years.
    pub(super) fn at(&self, t: f64) -> Moment {
        let next = self.years.partition_point(|&year| year <= t).clamp(1, KNOTS - 1);
        let (from, to) = (self.years[next - 1], self.years[next]);
        let share = (t - from) / (to - from);
        let between = |row: [f64; KNOTS]| row[next - 1] + share * (row[next] - row[next - 1]);
        let mut distance = HALF_DISTANCE.map(between);
        let length = distance.iter().map(|d| d * d).sum::<f64>().sqrt();
        distance = distance.map(|d| 2.0 * d / length);
        let [background, dark_hair, dark_cloth, grain, log_contrast, light_angle, log_zoom, offset] =
            NUISANCES.map(between);
        Moment {
            distance,
            mean: MEAN.map(between),
            background,
            dark_hair,
            dark_cloth,
            grain,
            log_contrast,
            light_angle,
            log_zoom,
            offset,
        }
    }
}
