"""Invented titles, names and brands for the synthetic catalogue."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import numpy as np

from foretaste._typing import Float64

_PATTERNS = """The {adjective} {noun}/{number} {adjective} {noun}s/The {maker}'s {heir}/{article} {noun} for {name}
What the {maker} Knew about {noun}s/{name} and the {adjective} {noun}/The Last {noun} of {place}
{adjective} {noun}s of {place}/Goodnight, {adjective} {noun}/Waiting for the {adjective} {noun}
The {maker} and the {noun}/{number} {noun}s for the {maker}"""
# Under a genre the nouns of its titles, each with a plain "s" in the plural; under an aisle its goods.
_WORDS_TEXT = """
Drama: Harbour, Orchard, Ledger, Staircase, Threshold, Widower, Tide, Verdict, Cellist, Lodger, Footbridge
Comedy: Umbrella, Wedding Cake, Landlord, Trombone, Parking Space, Accountant, Pudding, Moustache, Tandem, Sofa, Mayor
Thriller: Alibi, Cipher, Corridor, Courier, Safehouse, Deadline, Informant, Passenger, Ransom, Keyhole, Blackout
Documentary: Glacier, Beekeeper, Shipyard, River, Typeface, Weaver, Archive, Lighthouse, Harvest, Railway, Salt Pan
Animation: Teapot, Balloon, Hedgehog, Raincloud, Paper Boat, Acorn, Kite, Puppet, Moonbeam, Toymaker, Puffin
Romance: Letter, Rooftop, Violinist, Summer, Postcard, Promise, Rose Garden, Sunday, Florist, Night Train, Serenade
Science fiction: Engine, Orbit, Satellite, Airlock, Moon, Android, Telescope, Starship, Comet, Beacon, Tomorrow
Adventure: Caravan, Canyon, Expedition, Island, Smuggler, Rope Bridge, Glider, Temple, Horizon, Navigator, Monsoon
Horror: Cellar, Hollow, Mirror, Scarecrow, Attic, Whisper, Undertaker, Fever Dream, Wallpaper, Doll, Shadow
Family: Treehouse, Grandmother, Picnic, Lantern, Holiday, Garden, Cousin, Snow Day, Rabbit, Parade, Sandcastle
adjective: Borrowed, Quiet, Unfinished, Midnight, Crooked, Copper, Reluctant, Second, Velvet, Patient, Wandering,
  Sleepless, Amber, Upside-Down, Ordinary, Northern, Salted, Clockwork, Runaway, Unlikely, Singing, Tangerine
number: Two, Three, Five, Six, Eight, Nine, Eleven, Thirteen, Seventeen, Forty
maker: Lantern Keeper, Piano Tuner, Night Porter, Map Seller, Kite Mender, Bell Ringer, Cloud Painter, Salt Merchant,
  Lift Operator, Button Maker, Understudy, Organ Grinder, Tide Watcher, Ice Cutter, Snail Farmer, Ghost Writer
heir: Daughter, Apprentice, Dilemma, Second Wish, Brother, Umbrella, Almanac, Bargain, Alphabet, Day Off, Recipe,
  Holiday, Handwriting, Third Cousin, Shortcut, Invitation, Mistake, Good Coat, Parrot, Silence, Goodbye
place: Orrinmoor, Vell Harbour, Tamsel, Quillon Bay, Estermere, Low Marrow, Candlewick Lane, Port Ibbery, Sandrake,
  Upper Nettling, Halvard Street, the Ninth Floor, Lake Ombra, Pomegranate Hill
name: Amara, Anouk, Arjun, Aylin, Bao, Beatriz, Bogdan, Callum, Chidi, Chiara, Dalia, Daoud, Devika, Ebele, Efua,
  Eirik, Elif, Emeka, Esperanza, Farida, Fatou, Fionn, Freya, Gael, Giulia, Hana, Haruki, Hassan, Hinemoa, Idris,
  Imani, Inés, Ingrid, Itzel, Ivana, Jamila, Javier, Jin, Joaquín, Kaveh, Kenji, Khadija, Kwame, Laila, Lars, Leilani,
  Linh, Lucía, Luka, Maeve, Makena, Malik, Marisol, Mateo, Mei, Mirela, Moana, Nadia, Naoki, Nayeli, Ngozi, Niamh,
  Nikolai, Noor, Omar, Orla, Paloma, Parisa, Petra, Priya, Qiang, Rafael, Ravi, Renata, Rustam, Saanvi, Samir, Saoirse,
  Selin, Shirin, Sigrid, Sione, Sora, Tadhg, Tala, Tariq, Thandiwe, Thiago, Tomasz, Tuan, Uma, Valentina, Viktor,
  Wanjiru, Wen, Wiremu, Ximena, Yara, Yasmin, Youssef, Yuki, Zainab, Zoë, Zuri
studio: Copperline Pictures, Blue Heron Films, Paper Lantern, Ninefold, Estuary Films, Wren & Daughters, Tall Order,
  Second Kettle, Northlight, Casa Marea, Kumquat Animation, Slow River
house: Fernhollow, Larkspur & Co, Tidewell, Old Mill, Marigold, Brightwater, Hearthside, Juniper Lane
Tea and coffee: Breakfast Tea, Mountain Oolong, House Coffee, Decaf Roast, Smoked Tea
Bath: Mint Toothpaste, Oat Soap, Cedar Shampoo, Shaving Cream
Pantry: Olive Oil, Rolled Oats, Bread Flour, Wildflower Honey, Red Lentils
Household: Dish Soap, Laundry Powder, Beeswax Candles, Paper Towels
Pets: Kitten Biscuits, Meadow Hay, Bird Seed, Puppy Chews
"""
WORDS = {
    key: words.split(", ")
    for key, words in (line.split(": ") for line in _WORDS_TEXT.strip().replace("\n ", "").split("\n"))
}


def pick(key: str, chance: float) -> str:
    """The word of a list at a share of its length in [0, 1)."""
    return WORDS[key][int(chance * len(WORDS[key]))]


def title(chances: Float64, genre: str) -> str:
    """A title for a film of a genre, from nine shares in [0, 1)."""
    keys = ("adjective", "number", "maker", "heir", "place", "name", genre)
    *words, noun = (pick(key, chance) for key, chance in zip(keys, chances, strict=False))
    patterns = re.split(r"[/\n]", _PATTERNS)
    pattern = patterns[int(chances[-1] * len(patterns))]
    return pattern.format(
        noun=noun, article="An" if noun[0] in "AEIOU" else "A", **dict(zip(keys, words, strict=False))
    )


def distinct(titles: Iterable[str]) -> list[str]:
    """The second of a name is a sequel."""
    seen: Counter[str] = Counter()
    names = []
    for name in titles:
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names


def first_names(rng: np.random.Generator, n_users: int) -> list[str]:
    """First names; once all are taken, with an initial."""
    known, names = WORDS["name"], list[str]()
    while len(names) < n_users:
        initials, left = "", len(names) // len(known)
        while left:
            left, letter = divmod(left - 1, 26)
            initials = f"{chr(ord('A') + letter)}.{initials}"
        names += [f"{known[code]} {initials}".strip() for code in rng.permutation(len(known))]
    return names[:n_users]


def slugs(titles: Iterable[str]) -> list[str]:
    """Ids that can be typed: "Inés B." is "ines-b"."""
    plain = (unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode() for title in titles)
    return [re.sub("[^a-z0-9]+", "-", title.lower().replace("'", "")).strip("-") for title in plain]
