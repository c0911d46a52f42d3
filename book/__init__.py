"""How the book is made: the pipeline (`book.pipeline`) and its command line (`book.build`)."""
