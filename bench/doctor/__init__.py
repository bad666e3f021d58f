"""The doctor: what is wrong with a folder, zip or table of images, and what to do about it.

`inventory` finds the files, `layout` says which class each is of, `examination` reads them all,
and each other module looks for one kind of trouble; `diagnosis` asks all of them.
"""
