"""Laws that every technology keeps."""
