// The front end: htmx for the living parts, the player, and what the pages add to plain HTML.
import "htmx.org";
import "./styles.css";
