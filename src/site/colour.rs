//! The accent colour: the shades that both themes make of it, so that it can be read wherever it stands. No HTML here.

use std::fmt;

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour([u8; 3]);

const WHITE: Colour = Colour([255; 3]);
const BLACK: Colour = Colour([0; 3]);

/// WCAG 2.2, 1.4.3: text against what it stands on.
const READABLE: f64 = 4.5;

/// The darkest surface of the light theme and the lightest of the dark one, as the style sheet has them: what is read on these is read on all.
const LIGHT_SURFACE: Colour = Colour([0xf1, 0xf3, 0xf6]);
const DARK_SURFACE: Colour = Colour([0x1e, 0x24, 0x2c]);

impl Colour {
    /// `#2456b8` or `#25b`, with the sign or without.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches('#');
        let nibbles: Option<Vec<u8>> = digits.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        match nibbles?.as_slice() {
            [r, g, b] => Some(Self([r * 17, g * 17, b * 17])),
            [r, r2, g, g2, b, b2] => Some(Self([r * 16 + r2, g * 16 + g2, b * 16 + b2])),
            _ => None,
        }
    }

    /// So much of the other in it, in hundredths.
    fn mixed(self, other: Colour, hundredths: u32) -> Self {
        let mut mixed = self.0;
        for (own, other) in mixed.iter_mut().zip(other.0) {
            let sum = u32::from(*own) * (100 - hundredths) + u32::from(other) * hundredths;
            *own = u8::try_from((sum + 50) / 100).unwrap_or(u8::MAX);
        }
        Self(mixed)
    }

    /// HSL's: half way between the strongest and the weakest part.
    fn lightness(self) -> f64 {
        let [r, g, b] = self.0;
        f64::from(u16::from(r.max(g).max(b)) + u16::from(r.min(g).min(b))) / 510.0
    }

    /// The same hue at another lightness (HSL), from 0 to 1.
    fn at_lightness(self, lightness: f64) -> Self {
        let parts = self.0.map(|part| f64::from(part) / 255.0);
        let (most, least) = (parts.iter().copied().fold(0.0, f64::max), parts.iter().copied().fold(1.0, f64::min));
        let chroma = most - least;
        if chroma <= 0.0 {
            return Self([byte(lightness); 3]);
        }
        // What is nearly black, white or grey has hardly a hue, and gets no strong one.
        let saturation = chroma / (1.0 - (most + least - 1.0).abs()) * (chroma * 5.0).min(1.0);
        let wanted = saturation * (1.0 - (2.0 * lightness - 1.0).abs());
        Self(parts.map(|part| byte(lightness + ((part - least) / chroma - 0.5) * wanted)))
    }

    /// WCAG 2.2, relative luminance.
    fn luminance(self) -> f64 {
        let [r, g, b] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    pub fn contrast(self, other: Colour) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }
}

/// From 0 to 1.
fn byte(part: f64) -> u8 {
    (part.clamp(0.0, 1.0) * 255.0).round() as u8
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

/// What a theme makes of the accent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shade {
    /// Links, and the ground of buttons.
    pub accent: Colour,
    /// The same under the pointer.
    pub strong: Colour,
    /// Words on either.
    pub on: Colour,
    /// The ground of what is chosen, on which the accent is read too.
    pub tint: Colour,
}

impl Shade {
    fn of(colour: Colour, ground: Colour, towards: Colour, tint: u32, on: Colour) -> Self {
        let tint = ground.mixed(colour, tint);
        let readable = |shade: &Colour| shade.contrast(ground) >= READABLE && shade.contrast(tint) >= READABLE;
        let (begin, end) = (colour.lightness(), towards.lightness());
        let steps = (1..=100).map(|step| colour.at_lightness(begin + (end - begin) * f64::from(step) / 100.0));
        let accent = std::iter::once(colour).chain(steps).find(readable).unwrap_or(towards);
        Self { accent, strong: accent.mixed(towards, 22), on, tint }
    }

    pub fn light(colour: Colour) -> Self {
        Self { tint: WHITE.mixed(colour, 10), ..Self::of(colour, LIGHT_SURFACE, BLACK, 10, WHITE) }
    }

    pub fn dark(colour: Colour) -> Self {
        let on = colour.mixed(BLACK, 88);
        let shade = Self::of(colour, DARK_SURFACE, WHITE, 14, on);
        Self { on: if shade.accent.contrast(on) >= READABLE { on } else { BLACK }, ..shade }
    }
}

/// What the pages' style sheet is told of an accent.
pub fn stylesheet(colour: Colour) -> String {
    let (light, dark) = (Shade::light(colour), Shade::dark(colour));
    let role = |name: &str, of: fn(&Shade) -> Colour| format!("--{name}: light-dark({}, {});", of(&light), of(&dark));
    format!(
        ":root {{ {} {} {} {} }}\n",
        role("accent", |shade| shade.accent),
        role("accent-2", |shade| shade.strong),
        role("on-accent", |shade| shade.on),
        role("tint", |shade| shade.tint),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The surfaces that the accent stands on, as `static/css/portico.css` has them.
    fn surfaces(dark: bool) -> Vec<Colour> {
        let css = include_str!("../../static/css/portico.css");
        let of = |name: &str| {
            let pair = css.split(&format!("--{name}: light-dark(")).nth(1).expect(name).split(')').next().expect("a pair");
            let (light, night) = pair.split_once(',').expect("two");
            Colour::parse(if dark { night } else { light }.trim()).expect("a colour")
        };
        ["canvas", "surface", "raised", "sunken", "hover"].map(of).to_vec()
    }

    proptest! {
        #[test]
        fn every_colour_can_be_read_in_both_themes(rgb in any::<[u8; 3]>()) {
            for (dark, shade) in [(false, Shade::light(Colour(rgb))), (true, Shade::dark(Colour(rgb)))] {
                for surface in surfaces(dark).into_iter().chain([shade.tint]) {
                    prop_assert!(shade.accent.contrast(surface) >= 4.5, "{shade:?} on {surface}");
                    prop_assert!(shade.strong.contrast(surface) >= 4.5, "{shade:?} on {surface}");
                }
                prop_assert!(shade.on.contrast(shade.accent) >= 4.5 && shade.on.contrast(shade.strong) >= 4.5, "{shade:?}");
            }
        }
    }

    #[test]
    fn colours_are_read_and_a_readable_one_stays_as_it_is() {
        assert_eq!(Colour::parse("#25B").map(|colour| colour.to_string()).as_deref(), Some("#2255bb"));
        assert_eq!(Colour::parse(" 2456b8 ").map(|colour| colour.to_string()).as_deref(), Some("#2456b8"));
        for nonsense in ["", "#", "red", "#12345", "#1234567", "#12345g", "#+1+2+3"] {
            assert_eq!(Colour::parse(nonsense), None, "{nonsense}");
        }
        let blue = Colour::parse("#2456b8").expect("a colour");
        assert_eq!(Shade::light(blue).accent, blue);
        let yellow = Colour::parse("#ffd500").expect("a colour");
        assert_ne!(Shade::light(yellow).accent, yellow);
        assert_eq!(Shade::dark(yellow).accent, yellow);
    }
}
