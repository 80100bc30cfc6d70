"""The commented recsys.toml that ``recsys init`` writes: every setting with its default."""

from __future__ import annotations

TEXT = """\
# recsys.toml: where your data is and how the engine works on it. Run: recsys run
# Every line that is commented out shows the default.

[paths]
plays = []          # your listening log: files, folders or globs, e.g. ["plays.csv", "listens/*.jsonl.gz"]
tracks = []         # optional: a table of tracks (track_id, title, artist, album, year, genre, ...)
playlists = []      # optional: M3U, XSPF, JSPF, or a table (playlist_id, track_id, position)
content = []        # optional: track_id + numbers or a vector; each file becomes a content space
listeners = []      # optional: user_id + what is known of them: age, country, …
audio = []          # optional: folders of sound files; they are analysed and join the tracks
# features = "data/features"
# tables = "data/tables"
# bundles = "data/bundles/main"
# out = "data/out"

# [analyze]
# workers = 2               # processes
# windows = 3               # windows of at most 30 s heard of each file
# symbols = []              # ["chords", "notes"]: hear harmony and melodies of whole files too; the cost is said before
# trim = false              # cut silence off first; loudness = -20.0 would also bring all to one loudness

# [ingest]
# max_reject_share = 0.05   # more bad rows than this is an error
# skip_seconds = 30.0       # heard for less than this counts as a skip
# text = false              # titles, genres, tags and lyrics as a content space of their own
# [ingest.columns]          # only where yours are not recognised: our name = "yours"
# user_id = "listener"
# track_id = "song"

# [label]
# targets = ["genre", "mood", "emotion"]   # learned from the tracks that have them, filled in where none is given
# instruments = true        # hear instruments too
# minutes = 5.0             # for choosing how to learn

# [train]
# model = "ials"            # fit only this one; default: the best on validation
# seed = 0
# valid_share = 0.1
# without = ["tagger", "gen"]  # content spaces that models leave out: predictions count only where you say so
# keep = ["tagger:genre"]   # but these

# [models.ials]             # hyper-parameters of a model; default: chosen on validation
# factors = 128

# [recommend]
# n = 100
# format = "parquet"        # or csv, jsonl
# users_per_part = 10000
# novelty = 0.0             # 0 by score alone ... 1 by rarity alone; .25 cost hardly any accuracy where it was measured
# calibrate = 0.0           # 0 ... 1: towards everybody's own mix of popularity and genre
# even = 0.0                # 0 ... 1: share out first places by even_by = "popularity", or a column such as "country"
# dislike = 0.1             # what likeness to a skipped track costs
# half_life = 60.0          # days after which a skip counts half
#                           # also: not_heard_days = 60 (older may come back), max_per_artist = 3
# explore = 0.0             # share of places drawn by lot, so that recsys feedback can learn

# [similar]
# n = 10
# by = "hybrid"             # or collaborative, content, sound
# taste = 0.5               # share of taste in the hybrid score, the rest is content

# [producers.onnx]          # an encoder of your own with its .json beside it: one more content space
# threads = 1               # path = "encoder.onnx"; [producers.torch] takes a state-dict in the same way

# [playlist]
# n = 50
# max_per_artist = 2
# artist_gap = 3

# [evaluate]
# protocol = "warm"         # or strong, cold, continuation, temporal, thaw, all
# seed = 42
# bootstrap = 1000

# [privacy]
# audience = 10             # what concerns fewer listeners is told together with the rest
"""
