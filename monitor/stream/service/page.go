package service

import "net/http"

func (s *Service) page(w http.ResponseWriter, r *http.Request) {}
