"""The dashboard: pages that ask the relations of queries/ and draw what they answer."""
