//! Passwords that guessers try first: common words, names of the person or the portal, characters in a row, and little else.
//! No rule of composition: a password is cut into as few such pieces as cover it, and what is left costs a piece a character.

/// What lists of leaked passwords are mostly made of, besides rows and years.
const WORDS: &str = "password passwort passw pass word contrasena motdepasse senha parola secret secure security private welcome letmein \
    login logon signin admin administrator root superuser user guest test testing tester demo sample default temp temporary changeme change \
    hello hallo bonjour iloveyou loveyou love lovely baby angel princess prince queen king sweet honey sugar sunshine sunny flower rainbow \
    butterfly chocolate cookie cheese banana apple orange lemon cherry pepper ginger monkey dragon tiger lion eagle falcon panther bear wolf \
    horse mustang cat kitty dog puppy chicken snoopy mickey pokemon pikachu naruto batman superman spiderman ironman starwars jedi matrix \
    master ninja samurai shadow hunter killer ranger soldier warrior wizard merlin phoenix diamond silver golden gold crystal purple yellow \
    blue green black white red football soccer baseball basketball hockey golf tennis rugby cricket liverpool arsenal chelsea barcelona \
    madrid juventus manchester united yankees cowboys lakers michael michelle jordan daniel jessica ashley matthew andrew joshua thomas \
    robert william charlie george jennifer nicole anthony samantha amanda hannah maria anna alexander computer internet google facebook \
    microsoft windows linux samsung apple iphone android server database oracle company business office work money dollar bitcoin summer \
    winter spring autumn january february march april june july august september october november december monday tuesday wednesday \
    thursday friday saturday sunday london paris berlin america canada germany england france freedom forever friend family jesus christ \
    blessed heaven trust nothing whatever access service support system manager api developer publisher portal portico qwerty qwertz azerty";

/// Rows of keys, and the ways over them.
const ROWS: [&str; 12] = [
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop[]",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
    "qazwsxedcrfvtgbyhnujm",
    "zaq12wsxcde34rfvbgt56yhn",
    "!@#$%^&*()",
];

/// A password of so many pieces falls to a list and some endings.
const FEW: usize = 4;

/// Whether a password is nothing but a few such pieces; `about` are texts about its owner.
pub(super) fn is_guessable(password: &str, about: &[&str]) -> bool {
    let text: Vec<char> = password.to_lowercase().chars().collect();
    let about: Vec<String> = about
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .map(str::to_lowercase)
        .filter(|part| part.chars().count() > 2)
        .collect();
    // The owner's names are no riddle, however they are put together, and little beside them is none either.
    let mut own: Vec<&String> = about.iter().filter(|part| text.len() >= part.chars().count()).collect();
    own.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let lower: String = text.iter().collect();
    let beside = own.into_iter().fold(lower.clone(), |rest, part| rest.replace(part.as_str(), " "));
    if beside != lower {
        let beside: Vec<char> = beside.chars().filter(|c| c.is_alphanumeric()).collect();
        if pieces(&beside, &[]) <= 2 {
            return true;
        }
    }
    let words: Vec<Vec<char>> =
        WORDS.split_whitespace().chain(about.iter().map(String::as_str)).map(|word| word.chars().collect()).collect();
    // What is repeated says no more than once: abc-abc-abc.
    let block =
        (1..=text.len() / 2).find(|size| text.len().is_multiple_of(*size) && text.chunks(*size).all(|chunk| *chunk == text[..*size]));
    match block {
        Some(size) => pieces(&text[..size], &words) < FEW,
        None => pieces(&text, &words) <= FEW,
    }
}

/// The fewest pieces that cover the text.
fn pieces(text: &[char], words: &[Vec<char>]) -> usize {
    let rows: Vec<Vec<char>> =
        ROWS.iter().flat_map(|row| [row.chars().collect::<Vec<_>>(), row.chars().rev().collect::<Vec<_>>()]).collect();
    let mut fewest = vec![usize::MAX; text.len() + 1];
    fewest[0] = 0;
    for at in 0..text.len() {
        let (rest, cost) = (&text[at..], fewest[at].saturating_add(1));
        let same = rest.iter().take_while(|character| **character == rest[0]).count();
        let row = rows.iter().map(|row| in_a_row(rest, row)).max().filter(|length| *length > 2).unwrap_or(1);
        let year = if is_year(rest) { 4 } else { 1 };
        for length in 1..=same.max(row).max(year) {
            fewest[at + length] = fewest[at + length].min(cost);
        }
        for word in words.iter().filter(|word| word.len() <= rest.len() && word.iter().zip(rest).all(|(a, b)| stands_for(*b, *a))) {
            fewest[at + word.len()] = fewest[at + word.len()].min(cost);
        }
    }
    fewest[text.len()]
}

/// How much of the beginning stands in a row of keys.
fn in_a_row(text: &[char], row: &[char]) -> usize {
    let begins = row.iter().enumerate().filter(|(_, key)| **key == text[0]);
    begins.map(|(at, _)| row[at..].iter().zip(text).take_while(|(a, b)| a == b).count()).max().unwrap_or(0)
}

fn is_year(text: &[char]) -> bool {
    text.len() >= 4 && matches!(text[..2], ['1', '9'] | ['2', '0']) && text[2..4].iter().all(char::is_ascii_digit)
}

/// The digits and signs that people put for letters.
fn stands_for(sign: char, letter: char) -> bool {
    sign == letter
        || matches!(
            (sign, letter),
            ('0', 'o') | ('1' | '!', 'i' | 'l') | ('3', 'e') | ('4' | '@', 'a') | ('5' | '$', 's') | ('7', 't') | ('8', 'b') | ('9', 'g')
        )
}

/// The letter that a sign is most often put for (the signs are zxcvbn's).
pub(super) fn letter_for(sign: char) -> Option<char> {
    Some(match sign {
        '4' | '@' => 'a',
        '8' => 'b',
        '(' | '{' | '[' | '<' => 'c',
        '3' => 'e',
        '6' | '9' => 'g',
        '1' | '!' | '|' => 'i',
        '0' => 'o',
        '$' | '5' => 's',
        '+' | '7' => 't',
        '%' => 'x',
        '2' => 'z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_guessers_try_first_is_known() {
        let about = ["ana.alves@contoso.example", "Ana", "Alves"];
        for bad in [
            "password1234",
            "P@ssw0rd2024!",
            "passwordpassword",
            "administrator",
            "Administrator1!",
            "123456789012",
            "210987654321",
            "qwertyuiop123",
            "1q2w3e4r5t6y",
            "1qaz2wsx3edc",
            "aaaaaaaaaaaa",
            "abc123abc123",
            "iloveyou1234",
            "Welcome-2026",
            "monkey dragon",
            "summersummer1",
            "contoso12345",
            "Ana.Alves2026",
            "Ana-Alves-2026",
            "alves_ana_alves_ana!",
            "Portico-Admin1",
        ] {
            assert!(is_guessable(bad, &about), "{bad}");
        }
        for good in [
            "a quiet harbour at noon",
            "correct horse battery staple",
            "zehn kleine Fische im Glas",
            "x7gq-m2hv-9tka",
            "zzzz-jellyfish-march",
            "静かな港の正午に鳴る鐘",
            "qw7er8ty9ui0op1as",
        ] {
            assert!(!is_guessable(good, &about), "{good}");
        }
        assert!(is_guessable(&"0".repeat(200), &[]));
    }
}
