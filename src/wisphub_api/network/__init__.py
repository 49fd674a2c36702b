"""Network diagnostics: does a subscriber's equipment answer?"""
