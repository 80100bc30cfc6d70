"""A commented playlists.toml to start from: a recipe of each kind."""

from __future__ import annotations

TEXT = """\
# playlists.toml: what lists you want. Run: recsys playlist run [NAME...] [--for LISTENER|all]
# The file is yours; each [recipe.NAME] is a job of its own. What a recipe does not say is as under [defaults].

version = 1
# library = "/music"          # paths are written relative to the playlist and must stay in here

[defaults]
n = 50                        # or minutes = 60
not_heard_days = 60           # nothing that was heard lately, where the log has times
max_overlap = 0.3             # with the last_lists = 7 lists of the same name, by the ledger
artist_gap = 3                # at most 2 of an artist per 50 tracks is the default, too
format = "m3u8"               # or xspf, jspf, csv, parquet

[recipe.daily]                # some lists of a listener, each of one side of their taste, named by what it is
kind = "mix"
mixes = 6
not_heard_days = 0

[recipe.discover]             # what they have never heard; new every week
kind = "discover"

[recipe.rediscover]           # what they loved and have not heard for long
kind = "rediscover"
not_heard_days = 180

# [recipe.radio]              # like some tracks (ids, "Artist - Title", or sound files) and unlike others
# kind = "radio"
# seeds = ["t0001"]
# unlike = ["t0002"]

# [recipe.evening]            # a mood in words; or valence = 0.7, arousal = 0.2
# kind = "mood"
# words = "calm"

# [recipe.run]                # traits over time, as shares of the library or as values
# kind = "curve"
# curve = { energy = "0:20% 50:90% 100:30%", tempo = "0:100 100:140" }

# [recipe.way]                # from one track to another in small steps
# kind = "path"
# start = "t0001"
# end = "t0009"

# [recipe.more]               # goes on with a list that is there
# kind = "continue"
# file = "party.m3u8"

# [recipe.new]                # added lately (column added, else year), by how well it fits
# kind = "new"
# days = 30

# [recipe.neighbours]         # tracks by artists like some
# kind = "similar-artists"
# artists = ["Björk"]

# [recipe.video]              # so long, in this tone, under these licences
# kind = "for-scene"
# minutes = 2.5
# licences = ["CC0-1.0", "CC-BY-4.0"]
# curve = { energy = "0:20% 100:90%" }

# [recipe.library]            # the whole library as named collections
# kind = "library-map"
# collections = 12

# Any recipe may also say, for instance:
# where = "year >= 1990 and genre != 'Christmas'"
# mood = "calm, tender"                              # any of these; or "valence>.6,arousal<.4"
# without = { artists = ["..."], genres = ["Audiobook"], playlists = ["disliked.m3u8"] }
# shares = [{ of = "new", at_least = 0.3 }]           # or where = "..." in place of of
# different = [{ column = "decade", at_least = 2 }]
# rotation = { where = "tags = 'local'", lists = 10 } # each of them at least once in ten lists
# listeners = ["ann", "bo"]                           # household = true makes one list for all of them
"""
