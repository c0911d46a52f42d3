"""From the chapters in `notebooks/*.py` to executed, checked and published pages.

``chapters`` (source to notebook) -> ``execution`` (papermill) -> ``validation`` (nbval) ->
``site`` (HTML); beside them ``colab`` writes the plain notebooks read outside the book.
"""
