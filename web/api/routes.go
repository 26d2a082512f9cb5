package api

import "net/http"

// Level is who may use a route.
type Level int

// The levels. A route that is not Open answers 401 to a stranger; a Socket
// route answers 403 to a browser, logged in or not.
const (
	Open   Level = iota // anybody: the start page, what it loads, and the login itself
	Login               // a logged-in browser, or the unix socket
	Socket              // the unix socket alone
)

// Route is one row of the route table.
type Route struct {
	Method string
	Path   string // a chi pattern
	Level  Level
	// Stream: the response may take longer than the server's write time-out;
	// the handler sets its own deadlines.
	Stream bool

	handle func(*API, http.ResponseWriter, *http.Request) error
}

// Routes returns the route table: every path there is, and who may use it.
func Routes() []Route {
	get, post := http.MethodGet, http.MethodPost
	const v1 = "/api/v1"
	return []Route{
		{get, "/", Open, false, (*API).page},
		{get, "/studies", Open, false, (*API).page},
		{get, "/studies/{id}", Open, false, (*API).page},
		{get, "/studies/{id}/trials/{n}", Open, false, (*API).page},
		{get, "/targets", Open, false, (*API).page},
		{get, "/a/*", Open, false, (*API).assets},
		{post, v1 + "/login", Open, false, (*API).login},

		{get, "/schemas/study.v1.json", Login, false, (*API).schema},
		{get, v1 + "/info", Login, false, (*API).info},
		{get, v1 + "/doctor", Login, false, (*API).doctor},
		{get, v1 + "/vocabulary", Login, false, (*API).vocabulary},
		{get, v1 + "/events", Login, true, (*API).events},
		{get, v1 + "/studies", Login, false, (*API).studies},
		{post, v1 + "/studies", Login, false, (*API).createStudy},
		{get, v1 + "/studies/{id}", Login, false, (*API).study},
		{post, v1 + "/studies/{id}/stop", Login, false, (*API).stopStudy},
		{post, v1 + "/studies/{id}/resume", Login, false, (*API).resumeStudy},
		{get, v1 + "/studies/{id}/front", Login, false, (*API).front},
		{get, v1 + "/studies/{id}/trials", Login, false, (*API).trials},
		{get, v1 + "/studies/{id}/trials/{n}", Login, false, (*API).trial},
		{get, v1 + "/studies/{id}/trials/{n}/model.gguf", Login, true, (*API).exportModel},
		{get, v1 + "/studies/{id}/trials/{n}/manifest.json", Login, false, (*API).exportManifest},
		{get, v1 + "/targets", Login, false, (*API).targets},
		{get, v1 + "/models", Login, false, (*API).models},
		{get, v1 + "/models/{digest}", Login, false, (*API).model},

		{post, v1 + "/contents", Socket, false, (*API).adopt},
		{post, v1 + "/links", Socket, false, (*API).link},
	}
}
