"""Base against head: did this change make the server slower?"""
