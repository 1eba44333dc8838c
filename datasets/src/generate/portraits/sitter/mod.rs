//! One portrait: its random properties, and how it is painted.

use std::f32::consts::TAU;

use libm::{cosf, expf, sinf};
use rand_pcg::Pcg64;

use self::canvas::{GRID, Line, each};
use super::trends::Moment;
use crate::generate::random::{Draw, feature};

mod canvas;

pub(super) use canvas::SIDE;

/// Stripes of hair per unit of length.
const STRIPES: f32 = 3.2;

/// The random properties of one portrait, except its grain.
pub(super) struct Sitter {
    pub(super) class: u32,
    /// Hair length, hair volume, smile, collar, parting, brow, jaw and hair texture.
    pub(super) cues: [f64; 8],
    shift: [f32; 2],
    rotation: f32,
    log_scale: f32,
    background: f32,
    hair: f32,
    cloth: f32,
    dark_cloth: bool,
    skin: f32,
    light: [f32; 2],
    contrast: f32,
    brightness: f32,
    stripe_phase: f32,
    grain: f32,
}

impl Sitter {
    /// Draws a random sitter of the time of `moment`.
    pub(super) fn draw(moment: &Moment, random: &mut Pcg64) -> Self {
        let class = u32::from(random.happens(0.5));
        let sign = if class == 1 { 1.0 } else { -1.0 };
        let mut cues = moment.mean;
        for (cue, distance) in cues.iter_mut().zip(moment.distance) {
            *cue += sign * distance + random.normal();
        }
        let mut normal = |mean: f64, deviation: f64| feature(mean + deviation * random.normal());
        let shift = [normal(0.0, 0.06), normal(moment.offset, 0.06)];
        let (rotation, log_scale) = (normal(0.0, 0.08), normal(moment.log_zoom, 0.05));
        let (background, skin) = (normal(moment.background, 0.25), normal(0.40, 0.12));
        let (angle, gain) = (normal(moment.light_angle, 0.5), normal(0.20, 0.08));
        let contrast = expf(normal(moment.log_contrast, 0.15));
        let brightness = normal(0.0, 0.10);
        let hairs = [normal(-0.75, 0.12), normal(0.55, 0.12)];
        let cloths = [normal(-0.65, 0.15), normal(0.35, 0.15)];
        let dark_cloth = random.happens(moment.dark_cloth);
        Self {
            class,
            cues,
            shift,
            rotation,
            log_scale,
            background,
            hair: hairs[usize::from(!random.happens(moment.dark_hair))],
            cloth: cloths[usize::from(!dark_cloth)],
            dark_cloth,
            skin,
            light: [gain * cosf(angle), gain * sinf(angle)],
            contrast,
            brightness,
            stripe_phase: TAU * feature(random.uniform()),
            grain: feature(moment.grain),
        }
    }

    /// Appends the pixels of the portrait to `pixels`, row by row.
    pub(super) fn paint(&self, random: &mut Pcg64, pixels: &mut Vec<u8>) {
        let place = canvas::Place::new(self.shift, self.rotation, self.log_scale);
        let waves = canvas::Waves::new(&place, TAU * STRIPES, 0.35, self.stripe_phase);
        for v in GRID {
            let mut line = Line::new(&place, v);
            let hair = self.hair_tones(&waves, &line);
            self.paint_line(v, &mut line, &hair);
            let grain = self.grain;
            pixels.extend(line.tones.iter().map(|tone| {
                let grained =
                    tone * self.contrast + self.brightness + grain * feature(random.normal());
                byte(grained)
            }));
        }
    }

    /// Paints the layers of one line, back to front.
    fn paint_line(&self, v: f32, line: &mut Line, hair: &[f32; SIDE]) {
        let [length, volume, smile, collar, parting, brow, jaw, _] = self.clipped();
        let light = each(|pixel| self.light[0] * GRID[pixel] + self.light[1] * v);
        line.tones = each(|pixel| self.background + 0.5 * light[pixel]);

        let shoulders = canvas::ellipse([0.0, 1.25], [0.95, 0.50]);
        line.paint(0.6..2.0, &shoulders, &[self.cloth; SIDE]);
        let collar_tip = 0.75 + 0.22 + 0.10 * collar;
        let in_collar =
            |p: f32, q: f32| (0.6 * (collar_tip - q) - p.abs()).min(q - 0.60).min(shoulders(p, q));
        line.paint(0.5..2.0, in_collar, &[if self.dark_cloth { 0.8 } else { -0.2 }; SIDE]);

        let crown = canvas::ellipse([0.0, -0.10], [0.58 + 0.07 * volume, 0.66 + 0.07 * volume]);
        let (width, bottom) = (0.58 + 0.04 * volume, 0.25 + 0.22 * length);
        line.paint(
            -2.0..1.3,
            |p, q| {
                let curtain = (width - p.abs()).min(q + 0.15).min(bottom - q);
                crown(p, q).min(0.15 - q).max(curtain)
            },
            hair,
        );

        let face = canvas::ellipse([0.0, 0.06], [0.42 + 0.045 * jaw, 0.56]);
        line.paint(-0.7..0.8, &face, &each(|pixel| self.skin + light[pixel]));
        let fringe = |p: f32, q: f32| (-0.24 + 0.40 * parting * p - q).min(face(p, q));
        line.paint(-0.7..0.8, fringe, hair);

        let half_height = 0.030 + 0.022 * brow;
        let brows =
            |p: f32, q: f32| (0.13 - (p.abs() - 0.19).abs()).min(half_height - (q + 0.12).abs());
        line.paint(-0.4..0.2, brows, &[-0.6; SIDE]);
        let eye = canvas::ellipse([0.19, 0.02], [0.08, 0.055]);
        line.paint(-0.15..0.2, |p, q| eye(p.abs(), q), &[-0.7; SIDE]);
        let mouth = |p: f32, q: f32| {
            let across = p / 0.20;
            let height = 0.36 - 0.09 * smile * (across * across - 0.4);
            (0.20 - p.abs()).min(0.045 - (q - height).abs())
        };
        line.paint(-0.2..0.9, mouth, &[-0.45; SIDE]);
    }

    /// The tones of hair along a line.
    fn hair_tones(&self, waves: &canvas::Waves, line: &Line) -> [f32; SIDE] {
        let [.., texture] = self.clipped();
        let height = (0.20 + 0.12 * texture).clamp(0.0, 0.6);
        let wave = waves.along(line);
        each(|pixel| self.hair + height * wave[pixel])
    }

    /// The cues, limited to the range that can be painted.
    fn clipped(&self) -> [f32; 8] {
        self.cues.map(|cue| feature(cue).clamp(-3.5, 3.5))
    }
}

/// A tone as a byte.
fn byte(tone: f32) -> u8 {
    (127.5 + 95.0 * tone + 0.5) as u8
}
