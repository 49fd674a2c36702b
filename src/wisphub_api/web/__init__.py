"""What every HTTP answer has in common: who may ask, cache headers, problem documents, API pages."""
