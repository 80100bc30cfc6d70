"""Listening logs and sound in, recommendations, playlists and similar tracks out, measured on your own data."""
