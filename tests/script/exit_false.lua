os.exit(false)

-- exit: 1
