from teachserve.cli import main

main()
