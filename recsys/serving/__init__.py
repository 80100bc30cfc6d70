"""An engine in, answers over HTTP out.

::

    GET  /similar/{track_id}?n&offset&where&mood&taste&blend&like&unlike&max_per_artist   Similar
    GET  /recommend/{user_id}?n&offset&where&mood&context    POST /recommend (History)    Recommended
    GET  /explain?user&track                                                         Explained
    GET  /path?from&to&n                                                             Way
    POST /playlist (Recipe)                                                          Playlists
    POST /export (Export)                                                            a playlist file
    GET  /search?q&n&offset&where&mood          POST /search/audio (a sound file as body) Found
    GET  /tracks?q&offset&n   Listed       GET /tracks/{id}   Known                  GET /tracks/{id}/audio   (ranges)
    GET  /map?n                                                                      Map
    POST /batch/similar, /batch/recommend                                            SimilarAnswers, RecommendAnswers
    POST /feedback (Event, or a list of them; only where the server may write)       Taken
    GET  /health /ready   Health           GET /metrics (Prometheus)                 GET /openapi.json
    GET  /rest/getSimilarSongs2 getSimilarSongs getSonicSimilarTracks findSonicPath ping (OpenSubsonic)

Every answer names the bundle that gave it (``bundle``, and the header ``X-Bundle``); GETs carry an ETag. Errors are
``Problem`` as application/problem+json. Types are in ``questions`` and ``schemas``.
"""
